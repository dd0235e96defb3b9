//! The page that shows worlds, one HTML file, and the trial that it opens.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::Failed;

/// The flag that names the page.
#[derive(clap::Args, Default)]
pub(super) struct PageFlag {
    /// The page that `cargo xtask page` has built [default: swimlab.html beside the program, or in the repository that the
    /// program was built from].
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

/// The page.
pub(super) struct Page {
    html: String,
}

/// The slot of the page for the trial that it opens, and what a build of the page writes into it.
const SLOT: (&str, &str) = (r#"<script type="application/json" id="start">"#, "</script>");

impl Page {
    /// Reads the page.
    ///
    /// # Errors
    /// If it is not built, or the file is another one.
    pub(super) fn find(flag: &PageFlag) -> Result<Self, Failed> {
        let refuse = |message| Failed { code: 2, message };
        let path = match &flag.page {
            Some(path) => path.clone(),
            None => places().into_iter().find(|path| path.is_file()).ok_or_else(|| {
                refuse(
                    "the page is not built: run `cargo xtask page` in the repository, or name the file with --page"
                        .to_owned(),
                )
            })?,
        };
        let html = fs::read_to_string(&path).map_err(|error| refuse(format!("--page {}: {error}", path.display())))?;
        match html.contains(SLOT.0) {
            true => Ok(Self { html }),
            false => Err(refuse(format!("--page {}: is not the page of `cargo xtask page`", path.display()))),
        }
    }

    /// The page as it opens the trial of a link unless its address has another one.
    pub(super) fn opening(&self, link: &str) -> String {
        let start = self.html.find(SLOT.0).expect("the page has the slot") + SLOT.0.len();
        let end = start + self.html[start..].find(SLOT.1).unwrap_or(0);
        // Links are letters, digits and %-escapes, so nothing in them ends the element.
        let json = serde_json::json!({ "link": link });
        format!("{}{json}{}", &self.html[..start], &self.html[end..])
    }
}

/// The places where the page may be, the preferred one first.
fn places() -> Vec<PathBuf> {
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.join("swimlab.html")));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/dist/swimlab.html");
    beside.into_iter().chain([built]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_opens_the_trial_in_its_slot() {
        let page = |slot: &str| format!("<html>{}{slot}</script><p>é</p></html>", SLOT.0);
        for slot in ["", r##"{"link":"#basic"}"##] {
            let opened = Page { html: page(slot) }.opening("#~abc?trial=3&fault=crash:at=1s");
            assert_eq!(opened, page(r##"{"link":"#~abc?trial=3&fault=crash:at=1s"}"##));
        }
    }
}
