//! The nearest name to one that does not exist.

/// The name with the fewest edits to `wanted`, if these are less than a third of its length.
pub fn nearest(wanted: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let scored = names.map(|name| (edits(wanted, name), name));
    let (count, name) = scored.min_by_key(|(count, name)| (*count, *name))?;
    (count <= (wanted.len() / 3).max(1)).then_some(name)
}

/// Characters to insert, remove, replace, or swap with their neighbour to make one text of the other.
fn edits(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    // Row i, column j: the edits between the first i characters of one and the first j of the other.
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        rows[i][0] = i;
        for j in 1..=right.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            let mut fewest = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                fewest = fewest.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = fewest;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let names = ["rpc_address", "listen_address", "seeds", "rack"];
        let check = |wanted: &str, expected: Option<&str>| {
            assert_eq!(nearest(wanted, names.into_iter()), expected, "{wanted}");
        };
        check("rpc_adress", Some("rpc_address"));
        check("listen_addres", Some("listen_address"));
        check("seed", Some("seeds"));
        check("rack", Some("rack"));
        check("completely_different", None);
        check("", None);
    }

    #[test]
    fn edits_are_counted() {
        for (left, right, count) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("rakc", "rack", 1),
        ] {
            assert_eq!(edits(left, right), count, "{left} {right}");
        }
    }
}
