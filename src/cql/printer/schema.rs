//! Prints statements on keyspaces, tables and types.

use std::fmt::{self, Display, Formatter};

use super::{Joined, Pairs, listed, only_if};
use crate::tree::{
    AlterKeyspace, AlterTable, AlterTableAction, AlterType, AlterTypeAction, ColumnDefinition,
    CreateKeyspace, CreateTable, CreateType, DropKeyspace, DropTable, DropType, Field, Mask,
    PrimaryKey, Properties, Property, PropertyValue, Rename, Truncate, Use,
};

fn if_exists(yes: bool) -> &'static str {
    only_if(yes, "IF EXISTS ")
}

fn if_not_exists(yes: bool) -> &'static str {
    only_if(yes, "IF NOT EXISTS ")
}

impl Display for Use {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "USE {}", self.keyspace)
    }
}

impl Display for CreateKeyspace {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let guard = if_not_exists(self.if_not_exists);
        write!(
            out,
            "CREATE KEYSPACE {guard}{} WITH {}",
            self.name, self.properties
        )
    }
}

impl Display for AlterKeyspace {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let guard = if_exists(self.if_exists);
        write!(
            out,
            "ALTER KEYSPACE {guard}{} WITH {}",
            self.name, self.properties
        )
    }
}

impl Display for DropKeyspace {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "DROP KEYSPACE {}{}",
            if_exists(self.if_exists),
            self.name
        )
    }
}

impl Display for Properties {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        Joined(&self.0, " AND ").fmt(out)
    }
}

impl Display for Property {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} = {}", self.name, self.value)
    }
}

impl Display for PropertyValue {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(out),
            Self::Map(entries) => write!(out, "{{{}}}", Pairs(entries, ": ")),
        }
    }
}

impl Display for CreateTable {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let guard = if_not_exists(self.if_not_exists);
        write!(
            out,
            "CREATE TABLE {guard}{} ({}",
            self.name,
            listed(&self.columns)
        )?;
        let comma = only_if(
            !self.columns.is_empty() && !self.primary_keys.is_empty(),
            ", ",
        );
        write!(out, "{comma}{})", listed(&self.primary_keys))?;
        let mut word = " WITH";
        if self.compact_storage {
            write!(out, "{word} COMPACT STORAGE")?;
            word = " AND";
        }
        if !self.clustering_order.is_empty() {
            let columns = Pairs(&self.clustering_order, " ");
            write!(out, "{word} CLUSTERING ORDER BY ({columns})")?;
            word = " AND";
        }
        match self.properties.0.is_empty() {
            true => Ok(()),
            false => write!(out, "{word} {}", self.properties),
        }
    }
}

impl Display for ColumnDefinition {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} {}{}",
            self.name,
            self.data_type,
            only_if(self.is_static, " STATIC")
        )?;
        self.mask
            .as_ref()
            .map_or(Ok(()), |mask| write!(out, " MASKED WITH {mask}"))
    }
}

impl Display for Mask {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("DEFAULT"),
            Self::Function(name, arguments) => write!(out, "{name}({})", listed(arguments)),
        }
    }
}

impl Display for PrimaryKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let comma = only_if(!self.clustering.is_empty(), ", ");
        match self.partition.as_slice() {
            [column] => write!(out, "PRIMARY KEY ({column}")?,
            columns => write!(out, "PRIMARY KEY (({})", listed(columns))?,
        }
        write!(out, "{comma}{})", listed(&self.clustering))
    }
}

impl Display for AlterTable {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let guard = if_exists(self.if_exists);
        write!(out, "ALTER TABLE {guard}{} {}", self.name, self.action)
    }
}

impl Display for AlterTableAction {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add {
                if_not_exists: guard,
                columns,
            } => match columns.as_slice() {
                [column] => write!(out, "ADD {}{column}", if_not_exists(*guard)),
                columns => write!(out, "ADD {}({})", if_not_exists(*guard), listed(columns)),
            },
            Self::Drop {
                if_exists: guard,
                columns,
                timestamp,
            } => {
                match columns.as_slice() {
                    [column] => write!(out, "DROP {}{column}", if_exists(*guard))?,
                    columns => write!(out, "DROP {}({})", if_exists(*guard), listed(columns))?,
                }
                timestamp.map_or(Ok(()), |time| write!(out, " USING TIMESTAMP {time}"))
            }
            Self::Rename {
                if_exists: guard,
                renames,
            } => {
                write!(
                    out,
                    "RENAME {}{}",
                    if_exists(*guard),
                    Joined(renames, " AND ")
                )
            }
            Self::AlterColumn {
                if_exists: guard,
                column,
                data_type,
            } => {
                write!(out, "ALTER {}{column} TYPE {data_type}", if_exists(*guard))
            }
            Self::Mask {
                if_exists: guard,
                column,
                mask: Some(mask),
            } => {
                write!(
                    out,
                    "ALTER {}{column} MASKED WITH {mask}",
                    if_exists(*guard)
                )
            }
            Self::Mask {
                if_exists: guard,
                column,
                mask: None,
            } => {
                write!(out, "ALTER {}{column} DROP MASKED", if_exists(*guard))
            }
            Self::DropCompactStorage => out.write_str("DROP COMPACT STORAGE"),
            Self::With(properties) => write!(out, "WITH {properties}"),
        }
    }
}

impl Display for Rename {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} TO {}", self.from, self.to)
    }
}

impl Display for DropTable {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "DROP TABLE {}{}", if_exists(self.if_exists), self.name)
    }
}

impl Display for Truncate {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "TRUNCATE TABLE {}", self.table)
    }
}

impl Display for CreateType {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let guard = if_not_exists(self.if_not_exists);
        write!(
            out,
            "CREATE TYPE {guard}{} ({})",
            self.name,
            listed(&self.fields)
        )
    }
}

impl Display for Field {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.name, self.data_type)
    }
}

impl Display for AlterType {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "ALTER TYPE {}{} {}",
            if_exists(self.if_exists),
            self.name,
            self.action
        )
    }
}

impl Display for AlterTypeAction {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add {
                if_not_exists: guard,
                field,
            } => {
                write!(out, "ADD {}{field}", if_not_exists(*guard))
            }
            Self::Rename {
                if_exists: guard,
                renames,
            } => {
                write!(
                    out,
                    "RENAME {}{}",
                    if_exists(*guard),
                    Joined(renames, " AND ")
                )
            }
            Self::AlterField {
                if_exists: guard,
                field,
            } => {
                write!(
                    out,
                    "ALTER {}{} TYPE {}",
                    if_exists(*guard),
                    field.name,
                    field.data_type
                )
            }
        }
    }
}

impl Display for DropType {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "DROP TYPE {}{}", if_exists(self.if_exists), self.name)
    }
}
