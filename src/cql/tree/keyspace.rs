//! USE, statements on keyspaces, and the properties of WITH.

use super::{Identifier, Literal, Span};

/// `USE keyspace`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The keyspace.
    pub keyspace: Identifier,
}

/// `CREATE KEYSPACE name WITH ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateKeyspace {
    /// The keyspace.
    pub name: Identifier,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// The properties of WITH.
    pub properties: Properties,
}

/// `ALTER KEYSPACE name WITH ..`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterKeyspace {
    /// The keyspace.
    pub name: Identifier,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// The properties of WITH.
    pub properties: Properties,
}

/// `DROP KEYSPACE name`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropKeyspace {
    /// The keyspace.
    pub name: Identifier,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// The properties of WITH in the order written. No name occurs twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties(pub Vec<Property>);

impl Properties {
    /// The value of a property.
    pub fn get(&self, name: &str) -> Option<&PropertyValue> {
        self.0
            .iter()
            .find(|property| property.name.text == name)
            .map(|property| &property.value)
    }
}

/// One property of WITH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The name.
    pub name: Identifier,
    /// The value.
    pub value: PropertyValue,
    /// Where it stood.
    pub span: Span,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// A constant; a bare word counts as its text.
    Literal(Literal),
    /// A map of constants, in the order written. No key occurs twice.
    Map(Vec<(Literal, Literal)>),
}
