//! The words of the language, and which of them cannot be names without quotes.
//!
//! The list is Cassandra 5.0's: reserved words need quotes to be a name, the others do not.

macro_rules! keywords {
    (@reserved reserved) => { true };
    (@reserved free) => { false };
    ($($name:ident $text:literal $kind:ident,)*) => {
        /// A word with a meaning of its own somewhere in the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Keyword {
            $(#[doc = $text] $name,)*
        }

        /// All keywords in lower case, in ascending order; the position is the discriminant.
        const WORDS: &[(&str, Keyword, bool)] =
            &[$(($text, Keyword::$name, keywords!(@reserved $kind)),)*];
    };
}

keywords! {
    Access "access" free,
    Add "add" reserved,
    Aggregate "aggregate" free,
    Aggregates "aggregates" free,
    All "all" free,
    Allow "allow" reserved,
    Alter "alter" reserved,
    And "and" reserved,
    Ann "ann" free,
    Apply "apply" reserved,
    As "as" free,
    Ascending "asc" reserved,
    Ascii "ascii" free,
    Authorize "authorize" reserved,
    Batch "batch" reserved,
    Begin "begin" reserved,
    Between "between" free,
    BigInt "bigint" free,
    Blob "blob" free,
    Boolean "boolean" free,
    By "by" reserved,
    Called "called" free,
    Cast "cast" free,
    Cidrs "cidrs" free,
    Cluster "cluster" free,
    Clustering "clustering" free,
    ColumnFamilies "columnfamilies" free,
    ColumnFamily "columnfamily" reserved,
    Compact "compact" free,
    Contains "contains" free,
    Count "count" free,
    Counter "counter" free,
    Create "create" reserved,
    Custom "custom" free,
    Datacenters "datacenters" free,
    Date "date" free,
    Decimal "decimal" free,
    Default "default" free,
    Delete "delete" reserved,
    Descending "desc" reserved,
    Describe "describe" reserved,
    Distinct "distinct" free,
    Double "double" free,
    Drop "drop" reserved,
    Duration "duration" free,
    Entries "entries" reserved,
    Execute "execute" reserved,
    Exists "exists" free,
    Filtering "filtering" free,
    FinalFunction "finalfunc" free,
    Float "float" free,
    From "from" reserved,
    Frozen "frozen" free,
    Full "full" reserved,
    Function "function" free,
    Functions "functions" free,
    Generated "generated" free,
    Grant "grant" reserved,
    Group "group" free,
    Hashed "hashed" free,
    Identity "identity" free,
    If "if" reserved,
    In "in" reserved,
    Index "index" reserved,
    Inet "inet" free,
    Infinity "infinity" reserved,
    InitialCondition "initcond" free,
    Input "input" free,
    Insert "insert" reserved,
    Int "int" free,
    Internals "internals" free,
    Into "into" reserved,
    Is "is" reserved,
    Json "json" free,
    Key "key" free,
    Keys "keys" free,
    Keyspace "keyspace" reserved,
    Keyspaces "keyspaces" free,
    Language "language" free,
    Like "like" free,
    Limit "limit" reserved,
    List "list" free,
    Login "login" free,
    Map "map" free,
    Masked "masked" free,
    Materialized "materialized" reserved,
    MaxWriteTime "maxwritetime" free,
    Mbean "mbean" free,
    Mbeans "mbeans" free,
    Modify "modify" reserved,
    Nan "nan" reserved,
    NoLogin "nologin" free,
    NoRecursive "norecursive" reserved,
    NoSuperuser "nosuperuser" free,
    Not "not" reserved,
    Null "null" reserved,
    Of "of" reserved,
    On "on" reserved,
    Only "only" free,
    Options "options" free,
    Or "or" reserved,
    Order "order" reserved,
    Partition "partition" free,
    Password "password" free,
    Per "per" free,
    Permission "permission" free,
    Permissions "permissions" free,
    Primary "primary" reserved,
    Rename "rename" reserved,
    Replace "replace" free,
    Returns "returns" free,
    Revoke "revoke" reserved,
    Role "role" free,
    Roles "roles" free,
    Schema "schema" reserved,
    Select "select" reserved,
    SelectMasked "select_masked" free,
    Set "set" reserved,
    StateFunction "sfunc" free,
    SmallInt "smallint" free,
    Static "static" free,
    Storage "storage" free,
    StateType "stype" free,
    Superuser "superuser" free,
    Superusers "superusers" free,
    Table "table" reserved,
    Tables "tables" free,
    Text "text" free,
    Time "time" free,
    Timestamp "timestamp" free,
    TimeUuid "timeuuid" free,
    TinyInt "tinyint" free,
    To "to" reserved,
    Token "token" reserved,
    Trigger "trigger" free,
    Truncate "truncate" reserved,
    TimeToLive "ttl" free,
    Tuple "tuple" free,
    Type "type" free,
    Types "types" free,
    Unlogged "unlogged" reserved,
    Unmask "unmask" free,
    Unset "unset" free,
    Update "update" reserved,
    Use "use" reserved,
    User "user" free,
    Users "users" free,
    Using "using" reserved,
    Uuid "uuid" free,
    Values "values" free,
    Varchar "varchar" free,
    VarInt "varint" free,
    Vector "vector" free,
    View "view" reserved,
    Where "where" reserved,
    With "with" reserved,
    WriteTime "writetime" free,
}

/// The longest keyword.
const LENGTH_MAX: usize = 14;

impl Keyword {
    /// How many keywords there are.
    pub const COUNT: usize = WORDS.len();

    /// The keyword that a word spells, in any case of letters.
    pub fn find(word: &str) -> Option<Self> {
        let mut buffer = [0; LENGTH_MAX];
        let folded = buffer.get_mut(..word.len())?;
        folded.copy_from_slice(word.as_bytes());
        folded.make_ascii_lowercase();
        let index = WORDS
            .binary_search_by(|(text, ..)| text.as_bytes().cmp(folded))
            .ok()?;
        Some(WORDS[index].1)
    }

    /// All keywords in ascending order.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(_, keyword, _)| *keyword)
    }

    /// The word in lower case.
    pub fn as_str(self) -> &'static str {
        WORDS[self as usize].0
    }

    /// Whether the word needs quotes to be a name.
    pub fn is_reserved(self) -> bool {
        WORDS[self as usize].2
    }

    /// The name that Cassandra's messages give to the word.
    pub fn message_name(self) -> String {
        match self {
            Self::Table => "K_COLUMNFAMILY".into(),
            Self::Nan => "K_POSITIVE_NAN".into(),
            Self::Infinity => "K_POSITIVE_INFINITY".into(),
            other => format!("K_{}", other.as_str().to_ascii_uppercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted_and_found_in_any_case() {
        for (position, (text, keyword, _)) in WORDS.iter().enumerate() {
            assert_eq!(*keyword as usize, position, "{text}");
            assert!(text.len() <= LENGTH_MAX, "{text}");
            assert_eq!(Keyword::find(&text.to_ascii_uppercase()), Some(*keyword));
        }
        assert!(WORDS.is_sorted_by_key(|(text, ..)| text));
        assert_eq!(Keyword::find("sElEcT"), Some(Keyword::Select));
        assert_eq!(Keyword::find("selects"), None);
        assert_eq!(Keyword::find("a_word_longer_than_all_keywords"), None);
    }

    #[test]
    fn reserved_words_are_those_of_cassandra() {
        let reserved: Vec<&str> = Keyword::all()
            .filter(|word| word.is_reserved())
            .map(Keyword::as_str)
            .collect();
        assert_eq!(
            reserved.join(" "),
            "add allow alter and apply asc authorize batch begin by columnfamily create delete \
             desc describe drop entries execute from full grant if in index infinity insert into \
             is keyspace limit materialized modify nan norecursive not null of on or order \
             primary rename revoke schema select set table to token truncate unlogged update use \
             using view where with"
        );
    }
}
