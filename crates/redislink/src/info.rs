//! Reads what a server answers to `INFO`. What follows from it is its owner's business.

/// What stands beside a name, if it is told.
pub fn info_field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_end)
}

/// Whether it is a primary that answers so; the section `replication` is enough to tell.
pub fn is_primary(info: &str) -> bool {
    info_field(info, "role") == Some("master")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_is_one_by_its_role_and_not_by_a_word_elsewhere() {
        assert!(is_primary("# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"));
        for info in
            ["", "role:slave\r\nmaster_host:a\r\n", "a_role:master\r\n", "role:masters\r\n", "role:slave\r\nx:role:master\r\n"]
        {
            assert!(!is_primary(info), "{info:?}");
        }
    }
}
