//! Rows as a table in Markdown: read on a terminal, and pasted into a document as it is.

use super::{row::Row, series::Series};

/// What stands above the rows.
pub(crate) const HEAD: &str = "| what | measured: median (min–max) | compared with | measured there | ratio (min–max) | wanted | reached |\n\
                    |---|---|---|---|---|---|---|\n";

/// A line for each row, in their order.
pub(crate) fn lines(rows: &[Row]) -> String {
    rows.iter().map(line).collect()
}

fn line(row: &Row) -> String {
    let ratio = row.ratio().map_or_else(String::new, |ratio| with_range(&ratio, |value| format!("{value:.2}")));
    let (name, limit) = row.limit.as_ref().map_or_else(Default::default, |limit| (limit.name.as_str(), figure(&limit.figure)));
    let wanted = row.wanted.map_or_else(String::new, |wanted| wanted.to_string());
    let reached = row.reached().map_or("", |reached| if reached { "yes" } else { "no" });
    format!("| {}, {} | {} | {name} | {limit} | {ratio} | {wanted} | {reached} |\n", row.what, row.unit, figure(&row.figure))
}

fn figure(series: &Series) -> String {
    with_range(series, number)
}

/// The median and, of several rounds, the least and the most.
fn with_range(series: &Series, show: impl Fn(f64) -> String) -> String {
    match series.rounds() {
        0 => "not measured".to_owned(),
        1 => show(series.median()),
        _ => format!("{} ({}–{})", show(series.median()), show(series.min()), show(series.max())),
    }
}

/// To three digits at least, and no more than that behind a point: what is beyond is the machine's mood.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => grouped(value.round()),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// With a comma before each three digits.
fn grouped(whole: f64) -> String {
    let digits = format!("{:.0}", whole.abs());
    let mut grouped = String::from(if whole < 0.0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::row::Wanted;

    #[test]
    fn a_row_names_its_limit_and_says_whether_it_is_near_enough() {
        let row = Row::plain("one chat, 64 connections", "creates a second", Series::of(&[18_000.4, 20_000.0, 24_000.0]))
            .against("bare echo", Series::of(&[40_000.0, 40_000.0, 40_000.0]))
            .wanted(Wanted::RatioAtLeast(0.4));
        assert_eq!(
            line(&row),
            "| one chat, 64 connections, creates a second | 20,000 (18,000–24,000) | bare echo | 40,000 (40,000–40,000) | \
             0.50 (0.45–0.60) | ≥ 0.40 | yes |\n"
        );
    }

    #[test]
    fn what_is_compared_with_nothing_leaves_its_cells_empty() {
        let row = Row::plain("ingest at rest", "MB", Series::once(12.345));
        assert_eq!(line(&row), "| ingest at rest, MB | 12.3 |  |  |  |  |  |\n");
        assert!(line(&Row::plain("x", "y", Series::default())).contains("not measured"));
    }

    #[test]
    fn every_line_has_the_heads_columns() {
        let rows =
            [Row::plain("a", "b", Series::once(1.0)), Row::plain("a", "b", Series::once(1.0)).against("c", Series::once(2.0))];
        let table = HEAD.to_owned() + &lines(&rows);
        let pipes: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(pipes, [8, 8, 8, 8]);
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (value, shown) in [
            (1_234_567.8, "1,234,568"),
            (1_000.0, "1,000"),
            (999.6, "1000"),
            (123.4, "123"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.0123, "0.01"),
            (-2_500.0, "-2,500"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
