//! `limiter limits` and `limiter clear`: the limits of each endpoint, and what a client has used.

use std::io::Write;

use actix_web::http::Method;
use clap::ArgMatches;
use limiter_core::{Key, StorageError};

use super::{command::key_of, confirm::is_confirmed, failure::Failure};
use crate::{
    limiter::Limiter,
    report::{Configure, Line, Section, Selection, State, Survey},
};

/// A command about endpoints, and possibly one client.
pub(super) struct Question<'a> {
    limiter: &'a Limiter,
    survey: Survey,
    key: Option<Key>,
    /// The client, as written on the command line.
    client: String,
}

impl<'a> Question<'a> {
    pub(super) async fn new(
        limiter: &'a Limiter,
        routes: Option<Configure>,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        let selection = Selection {
            handler: matches.get_one::<String>("endpoint").map(String::as_str),
            path: matches.get_one::<String>("path").map(String::as_str),
            method: matches.get_one::<Method>("method"),
        };
        let survey = Survey::new(limiter, routes, selection).await.map_err(Failure::Refused)?;
        let words: Vec<&str> =
            matches.get_many::<String>("key").unwrap_or_default().map(String::as_str).collect();
        Ok(Self { limiter, survey, key: key_of(limiter, matches)?, client: words.join(" ") })
    }

    pub(super) async fn print(self, out: &mut impl Write) -> Result<(), Failure> {
        let mut storage_error = match &self.key {
            Some(_) => self.limiter.probe_storage().await.err(),
            None => None,
        };
        for remark in self.remarks() {
            writeln!(out, "{remark}")?;
        }
        for section in self.survey.sections() {
            self.print_section(&section, &mut storage_error, out).await?;
        }
        match storage_error {
            Some(error) => Err(Failure::Refused(error.to_string())),
            None => Ok(()),
        }
    }

    pub(super) async fn clear(
        self,
        skip_confirmation: bool,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        let failed = |error: StorageError| Failure::Refused(error.to_string());
        self.limiter.probe_storage().await.map_err(failed)?;
        let Some(key) = &self.key else { return Ok(()) };
        let sections = self.survey.sections();
        if !skip_confirmation {
            for section in &sections {
                self.print_section(section, &mut None, out).await?;
            }
            let question = format!("Clear the counters of {}?", self.client);
            if !is_confirmed(&question, out)? {
                return Err(Failure::Refused("nothing was cleared".to_owned()));
            }
        }
        for remark in self.remarks() {
            writeln!(out, "{remark}")?;
        }
        // Some storages find all counters of a client, including those that the limits below do not
        // name.
        let storage = self.limiter.storage();
        let all = self.survey.is_total() && storage.forget(key).await.map_err(failed)?;
        for section in sections.iter().filter(|section| !section.limits.is_empty()) {
            writeln!(out, "{}", section.title)?;
            for line in &section.limits {
                let cleared = match all {
                    true => Ok(()),
                    false => self.survey.clear(line, key).await.map_err(failed)?,
                };
                writeln!(out, "  {}: {}", line.text, cleared.err().unwrap_or("Cleared"))?;
            }
            for remark in section.remarks.iter().filter(|_| !all) {
                writeln!(out, "  {remark}")?;
            }
        }
        Ok(())
    }

    fn remarks(&self) -> Vec<&'static str> {
        let client = self.key.as_ref().map(|key| (key, self.client.parse().ok()));
        self.survey.remarks(client)
    }

    async fn print_section(
        &self,
        section: &Section,
        storage_error: &mut Option<StorageError>,
        out: &mut impl Write,
    ) -> Result<(), Failure> {
        if section.limits.is_empty() && section.remarks.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}", section.title)?;
        for line in &section.limits {
            let state = match &self.key {
                None => String::new(),
                Some(key) => format!(": {}", self.state(line, key, storage_error).await),
            };
            writeln!(out, "  {}{state}", line.text)?;
        }
        for remark in &section.remarks {
            writeln!(out, "  {remark}")?;
        }
        Ok(())
    }

    /// Once the storage has failed it is not called again.
    async fn state(
        &self,
        line: &Line,
        key: &Key,
        storage_error: &mut Option<StorageError>,
    ) -> String {
        if storage_error.is_none() || !line.has_counter() {
            match self.survey.state(line, key).await {
                Ok(state) => return in_words(&state),
                Err(error) => *storage_error = Some(error),
            }
        }
        "Storage not available".to_owned()
    }
}

fn in_words(state: &State) -> String {
    match state {
        State::Pass { left, amount } => format!("Pass ({left} of {amount} remaining)"),
        State::Fail { left, amount, retry_after: Some(wait) } => {
            format!("Fail ({left} of {amount} remaining, again in {})", duration_in_words(*wait))
        }
        State::Fail { left, amount, retry_after: None } => {
            format!("Fail ({left} of {amount} remaining, never)")
        }
        State::Unknown { reason } => (*reason).to_owned(),
    }
}

/// A duration in its two largest units.
fn duration_in_words(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let parts: Vec<String> = units
        .iter()
        .scan(seconds, |rest, (name, length)| {
            let whole = *rest / length;
            *rest %= length;
            Some((whole, name))
        })
        .filter(|(whole, _)| *whole > 0)
        .take(2)
        .map(|(whole, name)| format!("{whole} {name}"))
        .collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
