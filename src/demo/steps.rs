//! What a demonstration has done already: a file of completed steps, so that a restart goes on where the last run ended.

use super::DemoError;
use super::cluster::write_whole;
use super::metropolis::{Origin, Plan};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Name of the file in the demonstration's folder.
const FILE: &str = "etapes.json";

/// The steps that are done once and leave no better trace of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The files lie in `source/`.
    Files,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Record {
    graine: u64,
    echelle: f64,
    points: u32,
    contours: Option<PathBuf>,
    /// Identifier that PostgreSQL gave the cluster which the rest of the folder belongs to.
    #[serde(default)]
    grappe: Option<String>,
    faites: Vec<Step>,
}

/// The file of one folder.
#[derive(Debug)]
pub struct Steps {
    path: PathBuf,
    record: Record,
}

impl Steps {
    /// Reads the file, or begins it. A folder is for one metropolis: another plan than the one it was begun with is an error.
    ///
    /// # Errors
    /// [`DemoError::OtherPlan`], [`DemoError::Steps`], [`DemoError::Cluster`] (writing).
    pub fn open(folder: &Path, plan: &Plan, origin: &Origin) -> Result<Steps, DemoError> {
        let path = folder.join(FILE);
        let contours = match origin {
            Origin::Invented => None,
            Origin::Outlines(dir) => Some(dir.clone()),
        };
        let wanted = Record {
            graine: plan.seed,
            echelle: plan.scale,
            points: plan.points,
            contours,
            grappe: None,
            faites: Vec::new(),
        };
        let record = match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|e| DemoError::Steps { path: path.clone(), reason: e.to_string() })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => wanted.clone(),
            Err(e) => return Err(DemoError::Steps { path, reason: e.to_string() }),
        };
        if (Record { grappe: None, faites: Vec::new(), ..record.clone() }) != wanted {
            return Err(DemoError::OtherPlan {
                folder: folder.to_owned(),
                scale: record.echelle,
                seed: record.graine,
                points: record.points,
            });
        }
        let steps = Steps { path, record };
        steps.write()?;
        Ok(steps)
    }

    /// True when a step was completed, in this run or an earlier one.
    pub fn done(&self, step: Step) -> bool {
        self.record.faites.contains(&step)
    }

    /// True when the folder's certificates and snapshots belong to this cluster.
    pub fn belongs(&self, cluster: &str) -> bool {
        self.record.grappe.as_deref() == Some(cluster)
    }

    /// Records which cluster the folder belongs to.
    ///
    /// # Errors
    /// [`DemoError::Cluster`] (writing).
    pub fn belong(&mut self, cluster: &str) -> Result<(), DemoError> {
        self.record.grappe = Some(cluster.to_owned());
        self.write()
    }

    /// Records a step; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`DemoError::Cluster`] (writing).
    pub fn complete(&mut self, step: Step) -> Result<(), DemoError> {
        if !self.done(step) {
            self.record.faites.push(step);
            self.write()?;
        }
        Ok(())
    }

    fn write(&self) -> Result<(), DemoError> {
        let text = serde_json::to_vec_pretty(&self.record)
            .map_err(|e| DemoError::Steps { path: self.path.clone(), reason: e.to_string() })?;
        write_whole(&self.path, &text)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_steps_and_refuses_another_plan() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::default();
        let mut steps = Steps::open(folder.path(), &plan, &Origin::Invented).unwrap();
        assert!(!steps.done(Step::Files));
        steps.complete(Step::Files).unwrap();
        let again = Steps::open(folder.path(), &plan, &Origin::Invented).unwrap();
        assert!(again.done(Step::Files) && !again.belongs("7"));
        let mut again = again;
        again.belong("7").unwrap();
        let again = Steps::open(folder.path(), &plan, &Origin::Invented).unwrap();
        assert!(again.done(Step::Files) && again.belongs("7") && !again.belongs("8"));
        let other = Plan { scale: 10.0, ..plan };
        let refused = Steps::open(folder.path(), &other, &Origin::Invented);
        assert!(matches!(refused, Err(DemoError::OtherPlan { .. })));
    }
}
