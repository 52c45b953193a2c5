//! What real clients ask, as they were recorded (`clients/requests.tsv`), answered as they expect.

use crate::Case;
use crate::portal::Portal;

pub const CASES: &[Case] = &[("recorded_requests_are_answered_as_their_clients_expect", recorded)];

const RECORDED: &str = include_str!("clients/requests.tsv");

/// Features in an answer, in whatever format.
fn features(text: &str) -> usize {
    ["<wfs:member>", "<gml:featureMember>", "\"type\":\"Feature\""].iter().map(|n| text.matches(n).count()).sum()
}

fn recorded(portal: &'static Portal) {
    let (mel, nobody) = (portal.client("mel"), portal.nobody());
    let (mut asked, mut wrong) = (0, Vec::new());
    for line in RECORDED.lines().filter(|l| !l.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [client, method, path, headers, body, expected] = columns[..] else { panic!("{line}") };
        let headers: Vec<(&str, &str)> = headers.split('|').filter_map(|h| h.split_once('=')).collect();
        let sender = if client == "no-certificate" { &nobody } else { &mel };
        let answer = sender.request(method, &path.replace(' ', "%20"), &headers, body.as_bytes().to_vec());
        let media = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
        let text = answer.text();
        let origin = headers.iter().find(|h| h.0 == "Origin").map(|h| h.1);
        let good = match expected {
            "features" => answer.status == 200 && features(&text) > 0,
            "none" => answer.status == 200 && features(&text) == 0,
            "hits" => {
                let empty = text.contains("numberMatched=\"0\"") || text.contains("numberOfFeatures=\"0\"");
                answer.status == 200 && features(&text) == 0 && !empty
            }
            "204" | "403" => answer.status.to_string() == expected,
            media_type => answer.status == 200 && media == media_type && !answer.body.is_empty(),
        };
        // A page of another origin reads the answer only when it is named; never a star beside credentials.
        let readable = origin.is_none_or(|o| answer.header("access-control-allow-origin") == o);
        if !good || !readable {
            let shown: String = text.chars().take(200).collect();
            wrong.push(format!(
                "{client} {method} {path}\n  expected {expected}, found {} {media} {shown}",
                answer.status
            ));
        }
        asked += 1;
    }
    assert!(asked > 150, "{asked} requests");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}
