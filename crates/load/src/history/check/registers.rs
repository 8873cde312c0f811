//! Each message as a register: its creation and its updates write, every read of it and its row at the end read. And what was
//! seen once is there from then on.

use super::{
    evidence::{Calls, Claim, Evidence},
    stored::Row,
};
use crate::history::{
    clock::{Moment, Span},
    record::{Outcome, Place, Read, Seen, Series, Update},
    register::{self, Conflict, Operation},
    report::{Kind, Report},
    text::{TextId, Words},
};

/// Checks every message of the series that was read or updated, against its row at the end.
pub(crate) fn check(evidence: &Evidence<'_>, series: Series, rows: &[Row], report: &mut Report) {
    let mut numbers: Vec<u64> = evidence.reads(series).iter().map(|read| read.place.number).collect();
    numbers.extend(evidence.updates(series).iter().map(|update| update.place.number));
    numbers.sort_unstable();
    numbers.dedup();
    report.figures.registers += numbers.len() as u64;
    for number in numbers {
        let row = rows.binary_search_by_key(&number, |row| row.number).ok().map(|index| rows[index]);
        let message = Message {
            evidence,
            place: Place { series, number },
            claims: evidence.claims_of(Place { series, number }),
            reads: evidence.reads_of(Place { series, number }),
            updates: evidence.updates_of(Place { series, number }),
            row,
        };
        message.check_presence(report);
        message.check_order(report);
    }
}

/// One message, and all that is known of it.
struct Message<'a> {
    evidence: &'a Evidence<'a>,
    place: Place,
    claims: &'a [Claim<'a>],
    reads: &'a [&'a Read],
    updates: &'a [&'a Update],
    row: Option<Row>,
}

impl Message<'_> {
    /// Whoever was told the number never gets a 404 for it, and once somebody has seen the message everybody does.
    fn check_presence(&self, report: &mut Report) {
        let acknowledged = self.claims.iter().map(|claim| claim.create.span.end).min().unwrap_or(Moment::NEVER);
        let shown = self.reads.iter().filter(|read| matches!(read.seen, Seen::Text(_))).map(|read| read.span.end);
        let updated = self.updates.iter().filter(|update| is_done(update)).map(|update| update.span.end);
        let seen = shown.chain(updated).min().unwrap_or(Moment::NEVER);
        for read in self.reads {
            let must_be_there_from = match read.seen {
                Seen::Text(_) => continue,
                Seen::Absent => acknowledged.min(seen),
                Seen::Pending | Seen::Unlisted => seen,
            };
            if read.span.start > must_be_there_from {
                let what = format!("{} was there by {must_be_there_from}, and then {}", self.place, read.seen);
                report.violation(Kind::WentBack, what, self.events_around(must_be_there_from, read));
            }
        }
    }

    /// The event that proves it, and the read that denies it.
    fn events_around(&self, proof: Moment, denial: &Read) -> Vec<String> {
        let created = self.claims.iter().filter(|claim| claim.create.span.end == proof).map(|claim| claim.create.to_string());
        let read = self.reads.iter().filter(|read| read.span.end == proof).map(ToString::to_string);
        let updated = self.updates.iter().filter(|update| update.span.end == proof).map(ToString::to_string);
        created.chain(read).chain(updated).chain([denial.to_string()]).collect()
    }

    fn check_order(&self, report: &mut Report) {
        for read in self.reads.iter().filter(|read| read.seen == Seen::Text(Words::Foreign)) {
            report.violation(Kind::Changed, format!("{} was read with a text that nobody wrote", self.place), [read]);
        }
        // What is wrong without the row at the end is no matter of the row.
        let mut operations = self.operations();
        let mut conflicts = register::check(&mut operations);
        let mut kind = Kind::StaleRead;
        if let Some(Row { words: Words::Ours(text), .. }) = self.row
            && conflicts.is_empty()
        {
            operations.push(Operation { kind: register::Kind::Read, value: text, span: AT_THE_END });
            conflicts = register::check(&mut operations);
            kind = Kind::LostUpdate;
        }
        for conflict in conflicts {
            let (kind, operations) = match conflict {
                Conflict::Unwritten(read) => (Kind::Changed, vec![read]),
                Conflict::FromTheFuture { read, write } => (kind, vec![write, read]),
                Conflict::Crossed { first: (a, b), second: (c, d) } => (kind, vec![a, d, c, b]),
            };
            report.violation(kind, self.place.to_string(), operations.iter().map(|operation| self.event(operation)));
        }
    }

    /// All but the row at the end.
    fn operations(&self) -> Vec<Operation<TextId>> {
        let read = |text, span| Operation { kind: register::Kind::Read, value: text, span };
        let write = |text, span| Operation { kind: register::Kind::Write, value: text, span };
        let mut operations: Vec<_> = self.reads.iter().filter_map(|seen| Some(read(text_of(seen.seen)?, seen.span))).collect();
        let writes: Vec<_> = match self.claims.first() {
            // Several answers with one number are a violation of their own: the first is as good as any here.
            Some(claim) => vec![write(claim.text, self.creation(claim.text, claim.create.span.end))],
            None => {
                let mut texts: Vec<_> = operations.iter().map(|read| read.value).collect();
                if let Some(Row { words: Words::Ours(text), .. }) = self.row {
                    texts.push(text);
                }
                texts.retain(|text| self.evidence.calls().created(*text, self.place.series));
                texts.sort_unstable();
                texts.dedup();
                texts.into_iter().map(|text| write(text, self.creation(text, Moment::NEVER))).collect()
            }
        };
        operations.extend(writes);
        operations.extend(self.updates.iter().filter_map(|update| match update.outcome {
            Outcome::Acknowledged(_) => Some(write(update.text, update.span)),
            Outcome::Refused(_) => None,
            _ => Some(write(update.text, Span { end: Moment::NEVER, ..update.span })),
        }));
        operations
    }

    fn creation(&self, text: TextId, end: Moment) -> Span {
        Span { start: Calls::span(self.evidence.calls().attempts(text.call())).start, end }
    }

    /// The event that an operation was made of.
    fn event(&self, operation: &Operation<TextId>) -> String {
        let Operation { kind, value, span } = operation;
        let update = self.updates.iter().find(|update| update.text == *value);
        let read = self.reads.iter().find(|read| read.span == *span && text_of(read.seen) == Some(*value));
        match (kind, update, read) {
            (register::Kind::Write, Some(update), _) => update.to_string(),
            (register::Kind::Write, None, _) => format!("{span} {}: create {value}", value.call()),
            (register::Kind::Read, _, Some(read)) => read.to_string(),
            (register::Kind::Read, _, None) => format!("at the end: {value} is stored"),
        }
    }
}

/// When the rows are read.
const AT_THE_END: Span = Span { start: Moment::QUIET, end: Moment::QUIET };

fn text_of(seen: Seen) -> Option<TextId> {
    match seen {
        Seen::Text(Words::Ours(text)) => Some(text),
        _ => None,
    }
}

fn is_done(update: &Update) -> bool {
    matches!(update.outcome, Outcome::Acknowledged(_))
}
