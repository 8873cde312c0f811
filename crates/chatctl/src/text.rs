//! Text for an operator's terminal: tables, large numbers, and what strangers wrote, which must never reach the terminal as a
//! command to it.

/// Rows of cells as lines, each column as wide as its widest cell. Nothing behind the last cell of a line.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The text with every control character but the line feed written as an escape.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// `30,586`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 letter`, `2 letters`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_one_another_and_lines_end_with_their_text() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["id", "détail", "at"]), row(["1000", "x", ""]), row(["7", "", "now"])];
        assert_eq!(table(&rows), "id    détail  at\n1000  x\n7             now\n");
    }

    #[test]
    fn what_would_command_a_terminal_is_shown_as_text() {
        assert_eq!(harmless("a\u{1b}[2J\r\nb\u{9b}é🦀"), "a\\u{1b}[2J\\r\nb\\u{9b}é🦀");
    }

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        let texts = [0, 7, 999, 1_000, 30_586, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "7", "999", "1,000", "30,586", "1,234,567"]);
        assert_eq!((count(1, "row", "rows"), count(0, "row", "rows")), ("1 row".to_owned(), "0 rows".to_owned()));
    }
}
