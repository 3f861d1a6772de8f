//! The tables that show the catalog: `system_schema` and `system_virtual_schema`.
