//! Hand-made histories, one for each way in which a system can fail, and one in which it does not.

use domain::{EventId, Timestamp};
use events::Identity;
use store::dead_letters::{DeadLetter, Reason};

use super::{
    evidence::{Claim, Evidence},
    index::{self, Sample},
    numbers, registers,
    stored::{self, Row},
};
use crate::history::{
    clock::{Clock, Moment, Span},
    record::{Create, History, Outcome, Place, Read, Record, Seen, Series, Update},
    report::{Kind, Report},
    text::{CallId, TextId, Words},
};

const CHAT: Series = Series { application: 0, chat: 1 };

fn at(number: u64) -> Place {
    Place { series: CHAT, number }
}

fn span(start: u64, end: u64) -> Span {
    Span { start: Moment::micros(start), end: Moment::micros(end) }
}

fn call(sequence: u32) -> CallId {
    CallId::new(1, sequence)
}

fn text(sequence: u32) -> TextId {
    call(sequence).text(0)
}

fn row(number: u64, text: TextId) -> Row {
    Row { number, words: Words::Ours(text) }
}

/// What clients did: one call a line, each with its times.
#[derive(Default)]
struct Made {
    record: Record,
    key_losses: Vec<Span>,
    epochs: Vec<Span>,
}

impl Made {
    fn attempt(mut self, sequence: u32, keyed: bool, times: (u64, u64), outcome: Outcome<u64>) -> Self {
        let create = Create { call: call(sequence), series: CHAT, items: 1, keyed, span: span(times.0, times.1), outcome };
        self.record.creates.push(create);
        self
    }

    fn created(self, sequence: u32, times: (u64, u64), number: u64) -> Self {
        self.attempt(sequence, false, times, Outcome::Acknowledged(number))
    }

    fn batch(mut self, sequence: u32, items: u16, outcome: Outcome<u64>) -> Self {
        self.record.creates.push(Create {
            call: call(sequence),
            series: CHAT,
            items,
            keyed: false,
            span: span(100, 110),
            outcome,
        });
        self
    }

    fn unanswered(self, sequence: u32, times: (u64, u64)) -> Self {
        self.attempt(sequence, false, times, Outcome::Unanswered)
    }

    fn update(mut self, number: u64, sequence: u32, times: (u64, u64), outcome: Outcome<&'static str>) -> Self {
        self.record.updates.push(Update { place: at(number), text: text(sequence), span: span(times.0, times.1), outcome });
        self
    }

    fn updated(self, number: u64, sequence: u32, times: (u64, u64)) -> Self {
        self.update(number, sequence, times, Outcome::Acknowledged(""))
    }

    fn saw(mut self, number: u64, times: (u64, u64), seen: Seen) -> Self {
        self.record.reads.push(Read { client: 2, place: at(number), span: span(times.0, times.1), seen });
        self
    }

    fn read(self, number: u64, times: (u64, u64), sequence: u32) -> Self {
        self.saw(number, times, Seen::Text(Words::Ours(text(sequence))))
    }

    /// All kinds of violations that are found, with these rows at the end.
    fn kinds(self, rows: &[Row]) -> Vec<Kind> {
        let report = self.report(rows);
        report.kinds().map(|(kind, _)| kind).collect()
    }

    fn report(self, rows: &[Row]) -> Report {
        let Self { record, key_losses, epochs } = self;
        let history = History {
            clock: Clock::start(),
            applications: Vec::new(),
            record,
            last: Vec::new(),
            key_losses,
            misdated: Vec::new(),
            rivals: Vec::new(),
        };
        let evidence = Evidence::of(&history, &epochs);
        let mut report = Report::default();
        numbers::check_keys(&evidence, &mut report);
        numbers::check(&evidence, CHAT, rows, &mut report);
        registers::check(&evidence, CHAT, rows, &mut report);
        report
    }
}

fn made() -> Made {
    Made::default()
}

/// Two creates that were acknowledged as 1 and 2.
fn two() -> Made {
    made().created(1, (0, 10), 1).created(2, (20, 30), 2)
}

#[test]
fn a_sound_history_has_no_violation() {
    let history = two()
        .updated(1, 10, (40, 50))
        .update(1, 11, (60, 70), Outcome::Failed(503))
        .update(2, 12, (60, 70), Outcome::Refused(409))
        .read(1, (45, 46), 1)
        .read(1, (45, 48), 10)
        .read(1, (80, 90), 11)
        .saw(2, (15, 29), Seen::Absent)
        .saw(2, (31, 32), Seen::Pending)
        .read(2, (33, 34), 2)
        .unanswered(3, (20, 90))
        .unanswered(4, (20, 90))
        .attempt(5, true, (50, 60), Outcome::Failed(503))
        .attempt(5, true, (70, 80), Outcome::Acknowledged(5))
        .attempt(5, true, (90, 95), Outcome::Acknowledged(5))
        .batch(6, 3, Outcome::Acknowledged(6));
    let batch = (6..).zip((0..3).map(|item| call(6).text(item))).map(|(number, text)| row(number, text));
    let rows: Vec<Row> = [row(1, text(11)), row(2, text(2)), row(4, text(4)), row(5, text(5))].into_iter().chain(batch).collect();
    let report = history.report(&rows);
    assert_eq!(report.total(), 0, "{report}");
    assert_eq!((report.figures.gaps, report.figures.unacknowledged, report.figures.registers), (1, 1, 2));
}

#[test]
fn a_lost_create_is_found() {
    assert_eq!(two().kinds(&[row(1, text(1))]), [Kind::Lost]);
    assert_eq!(two().kinds(&[row(2, text(2))]), [Kind::Lost]);
    let batch = made().batch(1, 2, Outcome::Acknowledged(1));
    assert_eq!(batch.kinds(&[row(1, call(1).text(0))]), [Kind::Lost]);
}

#[test]
fn a_number_that_was_given_twice_is_found() {
    let history = two().created(3, (40, 50), 2);
    assert_eq!(history.kinds(&[row(1, text(1)), row(2, text(3))]), [Kind::SharedNumber]);
    let overlapping = made().batch(1, 3, Outcome::Acknowledged(1)).created(2, (9, 10), 3);
    let rows: Vec<Row> = (1..).zip(0..3).map(|(number, item)| row(number, call(1).text(item))).collect();
    assert_eq!(overlapping.kinds(&rows), [Kind::SharedNumber]);
}

#[test]
fn a_create_that_is_stored_twice_is_found() {
    assert_eq!(two().unanswered(9, (0, 9)).kinds(&[row(1, text(1)), row(2, text(2)), row(3, text(1))]), [Kind::StoredTwice]);
    let unanswered = made().unanswered(1, (0, 10)).unanswered(2, (0, 10));
    assert_eq!(unanswered.kinds(&[row(1, text(1)), row(2, text(1))]), [Kind::StoredTwice]);
}

#[test]
fn a_key_that_got_two_numbers_is_found_unless_keys_were_lost_meanwhile() {
    let retried = || {
        let first = made().attempt(1, true, (0, 10), Outcome::Acknowledged(1));
        first.attempt(1, true, (50, 60), Outcome::Acknowledged(2))
    };
    let rows = [row(1, text(1)), row(2, text(1))];
    assert_eq!(retried().kinds(&rows), [Kind::KeyTwice]);
    let lost_at = |start, end| Made { key_losses: vec![span(start, end)], ..retried() };
    assert!(lost_at(20, 30).kinds(&rows).is_empty());
    assert_eq!(lost_at(70, 80).kinds(&rows), [Kind::KeyTwice]);
}

#[test]
fn a_retry_that_was_stored_again_is_found_unless_keys_were_lost_meanwhile() {
    let retried = || {
        let first = made().attempt(1, true, (0, 10), Outcome::Failed(503));
        first.attempt(1, true, (50, 60), Outcome::Acknowledged(2))
    };
    let rows = [row(1, text(1)), row(2, text(1))];
    assert_eq!(retried().kinds(&rows), [Kind::StoredTwice]);
    assert!(Made { key_losses: vec![span(20, 30)], ..retried() }.kinds(&rows).is_empty());
}

#[test]
fn a_changed_text_is_found_in_a_row_and_in_an_answer() {
    let changed = [row(1, text(1)), Row { number: 2, words: Words::Foreign }];
    assert_eq!(two().kinds(&changed), [Kind::Changed]);
    assert_eq!(two().kinds(&[row(1, text(2)), row(2, text(1))]), [Kind::Changed], "two that were exchanged");
    let rows = [row(1, text(1)), row(2, text(2))];
    assert_eq!(two().saw(1, (40, 50), Seen::Text(Words::Foreign)).kinds(&rows), [Kind::Changed]);
    assert_eq!(two().read(1, (40, 50), 2).kinds(&rows), [Kind::Changed], "of another message");
}

#[test]
fn a_row_without_a_call_is_found() {
    let rows = |words| [row(1, text(1)), row(2, text(2)), Row { number: 3, words }];
    assert_eq!(two().kinds(&rows(Words::Foreign)), [Kind::Unexplained]);
    assert_eq!(two().kinds(&rows(Words::Ours(text(77)))), [Kind::Unexplained]);
    let refused = two().attempt(3, false, (0, 9), Outcome::Refused(422));
    assert_eq!(refused.kinds(&rows(Words::Ours(text(3)))), [Kind::Unexplained]);
}

#[test]
fn a_gap_that_no_failed_call_can_have_made_is_found() {
    let rows = [row(1, text(1)), row(3, text(3))];
    let gap = || made().created(1, (0, 10), 1).created(3, (20, 30), 3);
    assert_eq!(gap().kinds(&rows), [Kind::Gap]);
    assert!(gap().unanswered(4, (10, 20)).kinds(&rows).is_empty());
    assert_eq!(gap().attempt(4, false, (10, 20), Outcome::Refused(404)).kinds(&rows), [Kind::Gap]);
    let stored_after_all = [row(1, text(1)), row(3, text(3)), row(4, text(4))];
    assert_eq!(gap().unanswered(4, (10, 20)).kinds(&stored_after_all), [Kind::Gap], "one call burns one number");
    assert!(Made { epochs: vec![span(25, 26)], ..gap() }.kinds(&rows).is_empty(), "begun anew in another epoch");
    assert_eq!(Made { epochs: vec![span(31, 40)], ..gap() }.kinds(&rows), [Kind::Gap]);
    assert_eq!(gap().unanswered(4, (31, 40)).kinds(&rows), [Kind::Gap], "it began when the number was given");
    let later = || made().created(1, (20_000_000, 20_000_001), 1).created(3, (20_000_002, 20_000_003), 3);
    assert!(later().unanswered(4, (0, 17_000_000)).kinds(&rows).is_empty(), "given up, and still under way");
    assert_eq!(later().unanswered(4, (0, 15_000_000)).kinds(&rows), [Kind::Gap], "over when the number was given");
}

#[test]
fn a_stale_read_is_found() {
    let rows = [row(1, text(10)), row(2, text(2))];
    let updated = || two().updated(1, 10, (40, 50));
    assert!(updated().read(1, (45, 55), 1).kinds(&rows).is_empty(), "under way together");
    assert_eq!(updated().read(1, (51, 55), 1).kinds(&rows), [Kind::StaleRead]);
    assert_eq!(updated().read(1, (41, 42), 10).read(1, (43, 44), 1).kinds(&rows), [Kind::StaleRead], "back again");
    assert_eq!(updated().read(1, (31, 39), 10).kinds(&rows), [Kind::StaleRead], "before it was written");
}

#[test]
fn a_lost_update_is_found() {
    let rows = [row(1, text(1)), row(2, text(2))];
    assert_eq!(two().updated(1, 10, (40, 50)).kinds(&rows), [Kind::LostUpdate]);
    assert!(two().update(1, 10, (40, 50), Outcome::Unanswered).kinds(&rows).is_empty(), "it need not have been done");
    let seen = two().update(1, 10, (40, 50), Outcome::Unanswered).read(1, (60, 70), 10);
    assert_eq!(seen.kinds(&rows), [Kind::LostUpdate], "but it was seen");
    let overwritten = two().updated(1, 10, (40, 50)).updated(1, 11, (60, 70));
    assert_eq!(overwritten.kinds(&[row(1, text(10)), row(2, text(2))]), [Kind::LostUpdate], "an older one won");
}

#[test]
fn what_was_there_and_then_was_not_is_found() {
    let rows = [row(1, text(1)), row(2, text(2))];
    assert_eq!(two().saw(1, (11, 12), Seen::Absent).kinds(&rows), [Kind::WentBack], "acknowledged, then 404");
    assert!(two().saw(1, (11, 12), Seen::Pending).saw(1, (11, 12), Seen::Unlisted).kinds(&rows).is_empty());
    for seen in [Seen::Absent, Seen::Pending, Seen::Unlisted] {
        assert_eq!(two().read(1, (11, 12), 1).saw(1, (13, 14), seen).kinds(&rows), [Kind::WentBack], "{seen}");
        assert!(two().read(1, (5, 12), 1).saw(1, (8, 14), seen).kinds(&rows).is_empty(), "{seen} meanwhile");
    }
}

#[test]
fn what_the_index_lacks_and_what_it_has_beyond_the_rows_is_found() {
    let rows = [row(1, text(1)), row(2, text(2))];
    let found = |indexed: &[u64]| {
        let mut report = Report::default();
        index::check_all(CHAT, &rows, indexed, &mut report);
        (report.count(Kind::MissingInIndex), report.count(Kind::ExtraInIndex))
    };
    assert_eq!((found(&[1, 2]), found(&[2]), found(&[1, 2, 3]), found(&[])), ((0, 0), (1, 0), (0, 1), (2, 0)));
}

#[test]
fn a_text_of_old_that_the_index_still_finds_is_found() {
    let rows = [row(1, text(10)), row(2, text(2))];
    let kinds = |text, found: &[u64]| {
        let mut report = Report::default();
        index::check_sample(&Sample::of(at(1), text, &rows), "the index", found, &mut report);
        report.kinds().map(|(kind, _)| kind).collect::<Vec<_>>()
    };
    assert!(kinds(text(10), &[1]).is_empty() && kinds(text(1), &[]).is_empty());
    assert_eq!((kinds(text(1), &[1]), kinds(text(10), &[])), (vec![Kind::ExtraInIndex], vec![Kind::MissingInIndex]));
    assert_eq!(kinds(text(10), &[1, 2]), [Kind::ExtraInIndex]);
}

#[test]
fn a_list_that_shows_other_than_the_rows_is_found() {
    let rows = [row(1, text(1)), row(2, text(2)), row(3, text(3))];
    let wrong = |shown: &[Row]| {
        let mut report = Report::default();
        super::api::compare(CHAT, 0, shown, &rows, &mut report);
        report.count(Kind::WrongInApi)
    };
    assert_eq!(wrong(&rows), 0);
    for shown in [&[rows[0], rows[2]][..], &rows[..2], &[rows[0], rows[1], row(3, text(9))], &[]] {
        assert_eq!(wrong(shown), 1, "{shown:?}");
    }
}

#[test]
fn a_wrong_count_is_found() {
    let mut report = Report::default();
    for counted in [2, 1, 3] {
        super::counts::check(CHAT, "MySQL", counted, 2, &mut report);
    }
    assert_eq!((report.count(Kind::WrongCount), report.figures.counts), (2, 3));
}

#[test]
fn a_dead_letter_is_found() {
    let letter = DeadLetter {
        reason: Reason::Conflict,
        detail: "another's number".to_owned(),
        identity: Default::default(),
        payload: Vec::new(),
        created_at: Timestamp::now(),
    };
    let mut report = Report::default();
    stored::check_dead_letters(&[], &[], &mut report);
    assert_eq!(report.total(), 0);
    stored::check_dead_letters(&[letter.clone(), letter], &[], &mut report);
    assert_eq!(report.count(Kind::DeadLetter), 2);
    assert!(report.to_string().contains("conflict: chat -, message -\n    another's number"), "{report}");
}

#[test]
fn a_rival_is_to_be_a_dead_letter_and_no_other_event_is() {
    let letter = |event| DeadLetter {
        reason: Reason::Conflict,
        detail: "a rival".to_owned(),
        identity: Identity { event_id: Some(event), ..Identity::default() },
        payload: Vec::new(),
        created_at: Timestamp::now(),
    };
    let (kept, vanished, other) = (EventId::generate(), EventId::generate(), EventId::generate());
    let mut report = Report::default();
    stored::check_dead_letters(&[letter(kept)], &[kept], &mut report);
    assert_eq!(report.total(), 0);
    stored::check_dead_letters(&[letter(kept), letter(other)], &[kept, vanished], &mut report);
    assert_eq!((report.count(Kind::Lost), report.count(Kind::DeadLetter), report.total()), (1, 1, 2));
}

#[test]
fn a_violation_is_told_with_its_events() {
    let told = two().updated(1, 10, (40, 50)).read(1, (60, 70), 1).report(&[row(1, text(10)), row(2, text(2))]).to_string();
    for event in ["[0.000040 … 0.000050 s] client 1 call 10: update", "[0.000060 … 0.000070 s] client 2: read", "VIOLATION"] {
        assert!(told.contains(event), "{told}");
    }
}

/// What is held of a create while its chat is checked: the attempt, its number in two orders, and its row.
#[test]
fn a_million_creates_fit_into_200_mb() {
    let each = size_of::<Create>() + size_of::<&Create>() + size_of::<Claim<'_>>() + size_of::<Row>();
    assert!(each <= 200, "{each} bytes");
    let many = 20_000;
    let mut history = made();
    for sequence in 1..=many {
        history = history.created(sequence, (u64::from(sequence), u64::from(sequence) + 9), sequence.into());
    }
    let rows: Vec<Row> = (1..=many).map(|sequence| row(sequence.into(), text(sequence))).collect();
    assert!(history.kinds(&rows).is_empty());
}
