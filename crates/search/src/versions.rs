//! The index's versions: a new one is made and filled beside the one that is in use, behind an alias of its own, and takes the
//! alias over in one step. Must never leave the alias without an index, or with two.

use std::collections::BTreeMap;

use elasticsearch::indices::{
    IndicesCreateParts, IndicesDeleteParts, IndicesExistsParts, IndicesGetAliasParts, IndicesPutAliasParts,
};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::error::Error;
use crate::index::{ALREADY_EXISTS, CREATION_TIMEOUT, SearchIndex};
use crate::{mapping, wire};

impl SearchIndex {
    /// A handle to the version that is being filled, if there is one: it has an alias of its own, `<alias>-next`, so that writes
    /// to it can no more make an index by accident than others can.
    pub fn successor(&self) -> Self {
        let mut settings = self.settings.clone();
        settings.index = format!("{}-next", self.settings.index);
        Self { settings, ..self.clone() }
    }

    /// Which version the alias leads to.
    ///
    /// # Errors
    /// [`Error::IndexMissing`] when the alias is not there; [`Error::Rejected`] when it leads to several indices or to one that
    /// is no version.
    pub async fn version(&self) -> Result<u32, Error> {
        let names = self.behind_alias().await?;
        let version = match names.as_slice() {
            [name] => mapping::version_of(&self.settings.index, name),
            _ => None,
        };
        version.ok_or_else(|| Error::Rejected { status: 400, kind: format!("the alias leads to {}", names.join(" and ")) })
    }

    /// Makes this version, with the successor's alias, and waits until it can be written. One that is there already stays as it
    /// is.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Rejected`].
    pub async fn make_version(&self, version: u32) -> Result<(), Error> {
        let (name, next) = (mapping::version_name(&self.settings.index, version), self.successor());
        let creation = mapping::creation(&self.settings, &next.settings.index);
        let parts = IndicesCreateParts::Index(&name);
        let sent = self.client.indices().create(parts).request_timeout(CREATION_TIMEOUT).body(creation).send().await;
        match wire::accepted(sent).await {
            Ok(_) => {}
            Err(Error::Rejected { kind, .. }) if kind == ALREADY_EXISTS => {
                let parts = IndicesPutAliasParts::IndexName(&[&name], &next.settings.index);
                let sent = self.client.indices().put_alias(parts).request_timeout(CREATION_TIMEOUT).send().await;
                wire::accepted(sent).await?;
            }
            Err(error) => return Err(error),
        }
        next.await_primaries().await
    }

    /// Whether this version is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn has_version(&self, version: u32) -> Result<bool, Error> {
        let name = mapping::version_name(&self.settings.index, version);
        match wire::accepted(self.client.indices().exists(IndicesExistsParts::Index(&[&name])).send().await).await {
            Ok(_) => Ok(true),
            Err(Error::Rejected { status: 404, .. } | Error::IndexMissing) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Has the alias lead to this version, in one step: each search goes wholly to the one or wholly to the other. Makes the
    /// alias if there is none.
    ///
    /// # Errors
    /// [`Error::IndexMissing`] when the version is not there; nothing has changed then.
    pub async fn lead_to(&self, version: u32) -> Result<(), Error> {
        let alias = &self.settings.index;
        let name = mapping::version_name(alias, version);
        let before = match self.behind_alias().await {
            Err(Error::IndexMissing) => Vec::new(),
            names => names?,
        };
        let mut actions: Vec<Value> =
            before.iter().filter(|old| **old != name).map(|old| json!({ "remove": { "index": old, "alias": alias } })).collect();
        actions.push(json!({ "add": { "index": name, "alias": alias } }));
        self.change_aliases(actions).await
    }

    /// Takes the successor's alias off, wherever it is.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn forget_successor(&self) -> Result<(), Error> {
        let next = self.successor();
        let names = match next.behind_alias().await {
            Err(Error::IndexMissing) => return Ok(()),
            names => names?,
        };
        let alias = &next.settings.index;
        self.change_aliases(names.iter().map(|name| json!({ "remove": { "index": name, "alias": alias } })).collect()).await
    }

    /// Removes this version; one that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn remove_version(&self, version: u32) -> Result<(), Error> {
        let name = mapping::version_name(&self.settings.index, version);
        let parts = IndicesDeleteParts::Index(&[&name]);
        match wire::accepted(self.client.indices().delete(parts).request_timeout(CREATION_TIMEOUT).send().await).await {
            Ok(_) | Err(Error::IndexMissing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn change_aliases(&self, actions: Vec<Value>) -> Result<(), Error> {
        let actions = json!({ "actions": actions });
        let sent = self.client.indices().update_aliases().request_timeout(CREATION_TIMEOUT).body(actions).send().await;
        wire::accepted(sent).await.map(drop)
    }

    /// The indices that the alias leads to: at least one.
    async fn behind_alias(&self) -> Result<Vec<String>, Error> {
        let parts = IndicesGetAliasParts::Name(&[&self.settings.index]);
        let answer: BTreeMap<String, IgnoredAny> = match wire::read(self.client.indices().get_alias(parts).send().await).await {
            Err(Error::Rejected { status: 404, .. }) => return Err(Error::IndexMissing),
            outcome => outcome?,
        };
        Ok(answer.into_keys().collect())
    }
}
