//! What a comparison has found, and how it is told: a count and the first few of each kind.

use serde_json::{Map, Value, json};

use crate::text::{count, table, thousands};

/// Examples that are kept of each kind.
const EXAMPLES: usize = 10;

/// What can be wrong; the last one is only told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A stored message that the index does not hold.
    Missing,
    /// A message of which the index holds an older version.
    Stale,
    /// A message of which the index holds a later version than MySQL: only a new index helps.
    Ahead,
    /// A document that stands for no stored message.
    Extra,
    /// A message that the index lacks and for which the outbox has not come round in time.
    Waiting,
    /// A count that is not the number of rows.
    Count,
    /// A mark that the count job should have taken long ago.
    Mark,
    /// A message whose chat is not stored.
    OrphanedMessage,
    /// A chat whose application is not stored.
    OrphanedChat,
    /// Two events under one number, and nobody has dealt with it.
    Conflict,
    /// Another create that was acknowledged and is not stored.
    Letter,
    /// A number that nothing has: its create failed.
    Gap,
}

impl Fault {
    pub(super) const ALL: [Self; 12] = [
        Self::Missing,
        Self::Stale,
        Self::Ahead,
        Self::Extra,
        Self::Waiting,
        Self::Count,
        Self::Mark,
        Self::OrphanedMessage,
        Self::OrphanedChat,
        Self::Conflict,
        Self::Letter,
        Self::Gap,
    ];

    /// The name in JSON, and the words in a table.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("missing", "missing in the index"),
            Self::Stale => ("stale", "stale in the index"),
            Self::Ahead => ("ahead", "newer in the index than stored"),
            Self::Extra => ("extra", "in the index, but not stored"),
            Self::Waiting => ("waiting", "waiting in the outbox for too long"),
            Self::Count => ("counts", "wrong counts"),
            Self::Mark => ("marks", "marks that the count job has left out"),
            Self::OrphanedMessage => ("orphaned_messages", "messages without their chat"),
            Self::OrphanedChat => ("orphaned_chats", "chats without their application"),
            Self::Conflict => ("conflicts", "unresolved conflicts"),
            Self::Letter => ("letters", "other unresolved dead letters"),
            Self::Gap => ("gaps", "numbers that nothing has"),
        }
    }

    fn is_wrong(self) -> bool {
        self != Self::Gap
    }
}

/// How much of a kind there is.
#[derive(Debug, Clone, Default)]
struct Found {
    count: u64,
    examples: Vec<String>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Checked {
    pub(super) applications: u64,
    pub(super) chats: u64,
    pub(super) messages: u64,
    pub(super) documents: u64,
}

/// All that a pass has found.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings {
    pub(super) checked: Checked,
    found: [Found; Fault::ALL.len()],
}

impl Findings {
    /// Adds `count` of a kind; the example is a place, never a text.
    pub(super) fn add(&mut self, fault: Fault, count: u64, example: impl FnOnce() -> String) {
        let found = &mut self.found[fault as usize];
        if count > 0 && found.examples.len() < EXAMPLES {
            found.examples.push(example());
        }
        found.count += count;
    }

    pub(super) fn count(&self, fault: Fault) -> u64 {
        self.found[fault as usize].count
    }

    pub(super) fn is_wrong(&self) -> bool {
        Fault::ALL.into_iter().any(|fault| fault.is_wrong() && self.count(fault) > 0)
    }

    fn to_json(&self) -> Value {
        let kind = |fault: Fault| {
            let found = &self.found[fault as usize];
            (fault.names().0.to_owned(), json!({ "count": found.count, "examples": found.examples }))
        };
        Value::Object(Fault::ALL.into_iter().map(kind).collect())
    }
}

/// How much was mended, of each kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Mended([u64; Fault::ALL.len()]);

impl Mended {
    pub(super) fn add(&mut self, fault: Fault, count: u64) {
        self.0[fault as usize] += count;
    }
}

/// What is told in the end.
pub(super) struct Report {
    pub(super) found: Findings,
    /// When it was asked for.
    pub(super) mended: Option<Mended>,
    /// What a second comparison found, or the same again.
    pub(super) left: Findings,
}

impl Report {
    pub(super) fn to_text(&self) -> String {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let Checked { applications, chats, messages, documents } = self.found.checked;
        let mut text = format!(
            "looked at {}, {}, {} and {} of the index\n\n",
            count(applications, "application", "applications"),
            count(chats, "chat", "chats"),
            count(messages, "message", "messages"),
            count(documents, "document", "documents"),
        );
        let mut rows = vec![match &self.mended {
            Some(_) => row(&["", "found", "mended", "left"]),
            None => row(&["", "found"]),
        }];
        for fault in Fault::ALL {
            let mut cells = vec![fault.names().1.to_owned(), thousands(self.found.count(fault))];
            if let Some(mended) = &self.mended {
                cells.extend([thousands(mended.0[fault as usize]), thousands(self.left.count(fault))]);
            }
            rows.push(cells);
        }
        text.push_str(&table(&rows));
        for fault in Fault::ALL {
            let left = &self.left.found[fault as usize];
            if left.count > 0 {
                text.push_str(&format!("\n{}, application/chat/number:\n", fault.names().1));
                left.examples.iter().for_each(|example| text.push_str(&format!("  {example}\n")));
            }
        }
        text
    }

    pub(super) fn to_json(&self) -> Value {
        let Checked { applications, chats, messages, documents } = self.found.checked;
        let mut report = json!({
            "ok": !self.left.is_wrong(),
            "checked": { "applications": applications, "chats": chats, "messages": messages, "documents": documents },
            "found": self.found.to_json(),
        });
        if let Some(mended) = &self.mended {
            let mended: Map<String, Value> =
                Fault::ALL.into_iter().map(|fault| (fault.names().0.to_owned(), mended.0[fault as usize].into())).collect();
            report["mended"] = mended.into();
            report["left"] = self.left.to_json();
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_alone_are_not_wrong_and_examples_are_few() {
        let mut findings = Findings::default();
        findings.add(Fault::Gap, 3, || "1/2/3-5".to_owned());
        findings.add(Fault::Extra, 0, || unreachable!("there is none"));
        assert!(!findings.is_wrong());
        for number in 0..25 {
            findings.add(Fault::Missing, 1, || format!("1/1/{number}"));
        }
        assert!(findings.is_wrong());
        let report = Report { left: findings.clone(), found: findings, mended: Some(Mended::default()) };
        let (text, json) = (report.to_text(), report.to_json());
        let missing = text.lines().find(|line| line.starts_with("missing in the index")).unwrap_or_default();
        assert_eq!(missing.split_whitespace().skip(4).collect::<Vec<_>>(), ["25", "0", "25"], "{text}");
        assert!(text.contains("  1/1/9\n") && !text.contains("1/1/10") && text.contains("  1/2/3-5\n"), "{text}");
        assert_eq!(
            (&json["ok"], &json["left"]["missing"]["count"], &json["mended"]["gaps"]),
            (&json!(false), &json!(25), &json!(0))
        );
    }

    #[test]
    fn each_kind_has_its_own_place() {
        assert!(Fault::ALL.into_iter().enumerate().all(|(place, fault)| fault as usize == place));
    }
}
