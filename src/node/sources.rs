//! The virtual tables of this node, collected before the first request.

use std::collections::BTreeSet;
use std::sync::Arc;

use coordinator::Registry;
use metadata::{Committer, Local};
use schema::virtual_table::{Empty, Keys, Rows, Source};
use schema::{Table, system};
use storage::Engine;

use crate::config::{self, Settings};

/// Every source there is; tables whose facts nobody has yet are there and empty, since clients read them too.
pub fn registry(
    metadata: &Arc<Local>,
    engine: &Arc<Engine>,
    clients: &Arc<server::Clients>,
    settings: &Settings,
) -> Registry {
    let committer: Arc<dyn Committer> = metadata.clone();
    let newest = metadata.clone();
    let latest: schema::system_schema::Latest = Arc::new(move || newest.state().catalog.clone());
    let mut sources = schema::system_schema::sources(&latest);
    sources.extend(metadata::system::sources(&committer, metadata.number()));
    sources.extend(super::views::sources(engine));
    sources.push(clients.clone());
    sources.push(Arc::new(SettingsTable::new(settings)));
    let owned: BTreeSet<_> = sources
        .iter()
        .map(|source| source.definition().id)
        .collect();
    let state = metadata.state();
    let others = state
        .catalog
        .tables()
        .filter(|table| !table.is_stored() && !owned.contains(&table.id));
    let empty: Vec<Arc<dyn Source>> = others
        .map(|table| Arc::new(Empty(table.clone())) as Arc<dyn Source>)
        .collect();
    sources.extend(empty);
    Registry::new(sources)
}

/// `system_views.settings`: the settings in effect.
struct SettingsTable {
    definition: Arc<Table>,
    entries: Vec<(&'static str, Option<String>)>,
}

impl SettingsTable {
    fn new(settings: &Settings) -> SettingsTable {
        SettingsTable {
            definition: system::table(system::VIEWS, "settings").expect("the table is built in"),
            entries: config::entries(settings),
        }
    }
}

impl Source for SettingsTable {
    fn definition(&self) -> &Arc<Table> {
        &self.definition
    }

    fn keys(&self, keys: &mut Keys) {
        for (name, _) in &self.entries {
            keys.add(&[name.as_bytes()]);
        }
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        let entry = self
            .entries
            .iter()
            .find(|(name, _)| key == [name.as_bytes()]);
        if let Some((_, value)) = entry {
            rows.add(&[], |row| {
                if let Some(value) = value {
                    row.text("value", value);
                }
            });
        }
    }
}
