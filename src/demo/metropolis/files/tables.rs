//! Tables of dwellings, residences, households and allocations, one set a vintage.

use super::FileError;
use super::sink::Sink;
use crate::demo::metropolis::calendar::{Day, day};
use crate::demo::metropolis::calibration::DEMANDS_PER_ALLOCATION;
use crate::demo::metropolis::dwellings::{Dwelling, State, Use, reference};
use crate::demo::metropolis::names::{self, Landlord};
use crate::demo::metropolis::residences::Residence;
use crate::demo::metropolis::zones::Territory;
use crate::demo::metropolis::{Frame, VINTAGES};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;
use std::path::Path;

const RPLS: &str = "REG;DEP;LIBDEP;DEPCOM;CODEPOSTAL;LIBCOM;NUMVOIE;INDREP;TYPVOIE;NOMVOIE;NUMAPPT;NUMBOITE;ESC;COULOIR;\
    ETAGE;COMPLIDENT;ENTREE;BAT;IMMEU;COMPLGEO;LIEUDIT;QPV;TYPECONST;NBPIECE;SURFHAB;CONSTRUCT;LOCAT;PATRIMOINE;ORIGINE;\
    FINAN;DATCONV;NEWLOGT;CUS;DPEENERGIE;DPESERRE;SRU_EXPIR;SRU_ALINEA;CODSEGPATRIM;IDENT_REP;MODE;DUREE_VACANCE;BAIL;\
    LOYERPRINC";
const RESIDENCES: &str =
    "ID_RESIDENCE;NOM_RESIDENCE;SIREN_BAILLEUR;NOM_BAILLEUR;NATURE;X;Y;IDENT_REP;CLASSE_QUALIF;DATE_QUALIF";
const OCCUPATION: &str = "IDENT_REP;REPONDANT;NB_PERS;TYPE_MENAGE;NB_ENFANTS;AGE_TITULAIRE;PCT_PLAFOND;NB_ADULTES;NB_STABLE;\
    NB_PRECAIRE;NB_SANS_EMPLOI;APL;ENTREE";
const ATTRIBUTIONS: &str =
    "NUM_UNIQUE;IDENT_REP;DATE_ATTRIBUTION;DATE_DEMANDE;QUARTILE;DALO;PRIORITAIRE;MUTATION;RESERVATAIRE";
const DEMANDES: &str = "INSEE_COM;NB_DEMANDES;NB_DELAI_ANORMAL";
/// Classes of the qualification of the stock, from quiet to most worrying.
const CLASSES: [&str; 4] = ["paisible", "a_surveiller", "fragile", "tres_fragile"];
const LABELS: [&str; 7] = ["A", "B", "C", "D", "E", "F", "G"];

/// Files of one vintage.
struct Vintage {
    rpls: Sink,
    residences: Sink,
    occupation: Sink,
    attributions: Sink,
    demandes: Sink,
}

/// All tables that follow the dwellings.
pub struct Tables {
    vintages: Vec<Vintage>,
    ident: String,
}

/// Address of a residence, as RPLS cuts it.
struct Address {
    number: u32,
    kind: &'static str,
    street: &'static str,
    post_code: String,
}

/// What the files say of a residence beside its dwellings.
pub struct Context<'a> {
    /// Its metropolis.
    pub frame: &'a Frame,
    /// Its zones.
    pub territory: &'a Territory,
    /// Landlords.
    pub landlords: &'a [Landlord],
}

/// Allocations of the last twelve months, by vintage and commune.
pub struct Demand {
    communes: Vec<[u32; 3]>,
    associees: Vec<[u32; 3]>,
}

impl Demand {
    /// None yet.
    pub fn new(territory: &Territory) -> Demand {
        Demand { communes: vec![[0; 3]; territory.communes.len()], associees: vec![[0; 3]; territory.associees.len()] }
    }
}

impl Tables {
    /// Begins the files of every vintage. The oldest RPLS is in Latin-1, as older editions are.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn new(folder: &Path) -> Result<Tables, FileError> {
        let vintages = VINTAGES
            .iter()
            .map(|year| {
                let sink = |name: &str, suffix: &str, header| {
                    Sink::new(
                        folder.join(format!("{name}_{year}.{suffix}")),
                        name == "rpls" && *year == VINTAGES[0],
                        header,
                    )
                };
                Ok(Vintage {
                    rpls: sink("rpls", "csv.gz", RPLS)?,
                    residences: sink("residences", "csv", RESIDENCES)?,
                    occupation: sink("occupation", "csv", OCCUPATION)?,
                    attributions: sink("attributions", "csv", ATTRIBUTIONS)?,
                    demandes: sink("demandes", "csv", DEMANDES)?,
                })
            })
            .collect::<Result<_, FileError>>()?;
        Ok(Tables { vintages, ident: String::new() })
    }

    /// Writes a residence with its dwellings into the files of every vintage.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn residence(
        &mut self,
        r: &mut ChaCha8Rng,
        context: &Context<'_>,
        residence: &Residence,
        dwellings: &[Dwelling],
        demand: &mut Demand,
    ) -> Result<(), FileError> {
        let (kind, street) = names::street(r);
        let commune = &context.territory.communes[residence.commune];
        let address = Address {
            number: r.random_range(1..180),
            kind,
            street,
            post_code: format!("{}{:02}0", context.frame.department, commune.insee[3..].parse::<u32>().unwrap_or(0)),
        };
        let key = residence.key(context.frame);
        let iris = &context.territory.iris[residence.iris];
        let qualified = residence.size(2) > 10 && r.random_bool(0.45);
        let class = ((iris.fragility * 3.6 + r.random_range(-0.6..0.6)).round().clamp(0.0, 3.0)) as usize;
        let qualification = qualified.then(|| (CLASSES[class], day(2019, 1, 15) + r.random_range(0..1000)));
        let associee = iris.associee;
        for d in dwellings {
            self.ident.clear();
            let _ = write!(self.ident, "{}{:06}{:03}", context.frame.department, residence.number, d.number);
            for vintage in 0..VINTAGES.len() {
                let (from, to) = residence.present[vintage];
                if !(from..to).contains(&d.number) {
                    continue;
                }
                let files = &mut self.vintages[vintage];
                let state = d.at(vintage);
                rpls(&mut files.rpls, context, residence, &address, d, state, vintage, &self.ident)?;
                files.residences.line(|l| {
                    let landlord = &context.landlords[residence.landlord[vintage]];
                    l.text(&key).text(&residence.name[vintage]).text(&landlord.siren).text(&landlord.name);
                    l.text(if residence.alone { "logement_isole" } else { "residence" });
                    let [x, y] = residence.at[vintage];
                    l.real(x, 2).real(y, 2).text(&self.ident);
                    match qualification.filter(|(_, since)| *since < reference(vintage)) {
                        Some((class, since)) => l.text(class).day(since),
                        None => l.empty(2),
                    };
                })?;
                occupation(&mut files.occupation, state, vintage, &self.ident)?;
            }
            self.allocations(residence, d, associee, demand)?;
        }
        Ok(())
    }

    /// Allocations of 36 months go into each file that they belong to, whether or not the dwelling still stands.
    fn allocations(
        &mut self,
        residence: &Residence,
        d: &Dwelling,
        associee: Option<usize>,
        demand: &mut Demand,
    ) -> Result<(), FileError> {
        for (vintage, files) in self.vintages.iter_mut().enumerate() {
            let (from, to) = residence.present[vintage];
            if !(from..to).contains(&d.number) {
                continue;
            }
            let (begin, year, end) = window(vintage);
            for a in d.tenancies.iter().filter_map(|t| t.allocation.as_ref()).filter(|a| begin <= a.day && a.day < end)
            {
                files.attributions.line(|l| {
                    l.int(a.number).text(&self.ident).day(a.day).day(a.asked).maybe(a.quartile);
                    l.flag(a.dalo).flag(a.priority).flag(a.transfer).int(a.reserved_by);
                })?;
                if a.day >= year {
                    demand.communes[residence.commune][vintage] += 1;
                    if let Some(i) = associee {
                        demand.associees[i][vintage] += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the demands of a metropolis, which follow its allocations.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn demands(&mut self, r: &mut ChaCha8Rng, territory: &Territory, demand: &Demand) -> Result<(), FileError> {
        let communes = territory.communes.iter().map(|c| &c.insee).zip(&demand.communes);
        let associees = territory.associees.iter().map(|a| &a.insee).zip(&demand.associees);
        for (insee, counts) in communes.chain(associees) {
            let pressure = DEMANDS_PER_ALLOCATION * r.random_range(0.7..1.4);
            let late = r.random_range(0.10..0.24);
            for (files, count) in self.vintages.iter_mut().zip(counts) {
                let all = (f64::from(*count) * pressure).round() as u32 + r.random_range(2..12);
                files.demandes.line(|l| {
                    l.text(insee).int(all).int((f64::from(all) * late).round() as u32);
                })?;
            }
        }
        Ok(())
    }

    /// Ends all files.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn finish(self) -> Result<(), FileError> {
        for v in self.vintages {
            for sink in [v.rpls, v.residences, v.occupation, v.attributions, v.demandes] {
                sink.finish()?;
            }
        }
        Ok(())
    }
}

/// The 36 months before a vintage: first day, first day of the last twelve months, day after the last.
fn window(vintage: usize) -> (Day, Day, Day) {
    let year = VINTAGES[vintage];
    (day(year - 3, 1, 1), day(year - 1, 1, 1), day(year, 1, 1))
}

#[allow(clippy::too_many_arguments)]
fn rpls(
    sink: &mut Sink,
    context: &Context<'_>,
    residence: &Residence,
    address: &Address,
    d: &Dwelling,
    state: State<'_>,
    vintage: usize,
    ident: &str,
) -> Result<(), FileError> {
    let commune = &context.territory.communes[residence.commune];
    let year = VINTAGES[vintage];
    // Rents rise by about 2 % a year; QPV are those in force on the day of the vintage.
    let rent = f64::from(d.rent) * [0.965, 0.98, 1.0][vintage] * f64::from(d.surface);
    let qpv = residence.qpv[usize::from(year >= 2024)];
    let let_since = residence.built.clamp(1905, year);
    sink.line(|l| {
        l.int(32).text(&context.frame.department);
        l.text(if context.frame.department == "59" { "NORD" } else { "" });
        l.text(&commune.insee).text(&address.post_code).text(&commune.name);
        l.int(address.number).empty(1).text(address.kind).text(address.street);
        if residence.houses {
            l.empty(9);
        } else {
            // NUMAPPT, NUMBOITE, ESC, COULOIR, ETAGE, COMPLIDENT, ENTREE, BAT, IMMEU
            l.int(d.number + 1).empty(1).int(d.number / 24 + 1).empty(1).int(d.floor).empty(2);
            l.text(["A", "B", "C", "D", "E", "F"][(d.number / 48) as usize % 6]).empty(1);
        }
        l.text(&residence.name[vintage]).empty(1).int(if qpv { 1 } else { 2 });
        l.text(if residence.houses { "I" } else { "C" }).int(d.rooms).real(f64::from(d.surface), 1);
        l.int(residence.built).int(let_since).int(let_since);
        l.int(if residence.built > 2008 && residence.number.is_multiple_of(3) { 4 } else { 1 }).int(d.financing);
        l.text("01/").int_joined(let_since.max(1978)).int(i32::from(residence.built == year - 1)).int(1);
        match d.labels {
            Some((energy, gas)) => {
                l.text(LABELS[usize::from(energy.min(6))]).text(LABELS[usize::from(gas.min(6))]);
            }
            None => {
                l.empty(2);
            }
        }
        l.empty(3).text(ident).int(state.mode);
        l.maybe(state.vacant.filter(|_| state.mode == 2));
        match state.tenancy.filter(|t| t.kind == Use::Let) {
            Some(t) => {
                l.day(t.from);
                // One rent in fifty is not declared.
                if (d.number + residence.number) % 50 == 7 {
                    l.empty(1)
                } else {
                    l.real(rent, 2)
                };
            }
            None => {
                l.empty(2);
            }
        }
    })
}

fn occupation(sink: &mut Sink, state: State<'_>, vintage: usize, ident: &str) -> Result<(), FileError> {
    let Some((tenancy, h)) = state.tenancy.and_then(|t| Some((t, t.household.as_ref()?))) else { return Ok(()) };
    sink.line(|l| {
        l.text(ident).flag(h.answers[vintage]);
        if !h.answers[vintage] {
            l.empty(11);
            return;
        }
        let age = (VINTAGES[vintage] - h.born).clamp(18, 110);
        l.int(h.persons).text(h.kind.code()).int(h.children).maybe((!h.silent[0]).then_some(age));
        if h.silent[1] {
            l.empty(1)
        } else {
            l.real(f64::from(h.ceiling), 1)
        };
        // Working age ends at 64: an older holder counts among the adults no more.
        let retired = u8::from(age > 64);
        let adults = h.adults.saturating_sub(retired);
        if h.silent[2] {
            l.empty(4);
        } else {
            let mut left = adults;
            l.int(adults);
            for n in h.work {
                let n = n.min(left);
                left -= n;
                l.int(n);
            }
        }
        l.flag(h.allowance).day(tenancy.from);
    })
}
