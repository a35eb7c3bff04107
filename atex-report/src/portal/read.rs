//! What is in a launch already.

use atex_core::{Error, Result};
use serde_json::Value;

use super::client::Client;
use super::{Patience, Portal, PortalStatus};

/// As many as the server gives at once.
const PAGE: usize = 300;

impl Portal {
    /// The names of the tests of a platform that are in a launch (by its UUID), with any of these statuses; with all, if none is named: for
    /// running just those again.
    ///
    /// # Errors
    /// What the server says: there is no such launch.
    pub async fn existing_tests(
        &self,
        launch: &str,
        platform: &str,
        statuses: &[PortalStatus],
        patience: Patience,
    ) -> Result<Vec<String>> {
        let client = Client::new(self.clone(), patience, 1)?;
        let found = client.get(&["launch", "uuid", launch], &[]).await?;
        let launch = number(&client, &found)?;
        let root = [
            ("filter.eq.launchId", launch.to_string()),
            ("filter.eq.name", platform.to_owned()),
            ("filter.eq.type", "test".to_owned()),
        ];
        let mut tests = Vec::new();
        for item in all(&client, &root).await? {
            let mut filter = vec![
                ("filter.eq.launchId", launch.to_string()),
                ("filter.eq.parentId", number(&client, &item)?.to_string()),
            ];
            if !statuses.is_empty() {
                let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
                filter.push(("filter.in.status", statuses.join(",")));
            }
            let items = all(&client, &filter).await?;
            tests.extend(items.iter().filter_map(|item| item["name"].as_str()).map(str::to_owned));
        }
        Ok(tests)
    }
}

/// The items of all pages.
async fn all(client: &Client, filter: &[(&str, String)]) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    for page in 1.. {
        let mut query = filter.to_vec();
        query.push(("page.page", page.to_string()));
        query.push(("page.size", PAGE.to_string()));
        query.push(("page.sort", "id,asc".to_owned()));
        let mut answer = client.get(&["item"], &query).await?;
        let pages = answer["page"]["totalPages"].as_u64().unwrap_or(0);
        match answer["content"].take() {
            Value::Array(content) if !content.is_empty() => items.extend(content),
            _ => break,
        }
        if page >= pages {
            break;
        }
    }
    Ok(items)
}

fn number(client: &Client, found: &Value) -> Result<u64> {
    let missing =
        || Error::infra(client.label(), "an answer without the number of what it is about");
    found["id"].as_u64().ok_or_else(missing)
}
