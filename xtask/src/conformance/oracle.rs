//! [`Oracle`]: the reference implementation, installed below the target folder, and what it answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::reference::find_python;
use crate::step::Steps;

/// The version whose behaviour is the measure.
const FMF: &str = "fmf==1.7.0";

const DRIVER: &str = include_str!("oracle.py");

/// The reference implementation.
#[derive(Debug)]
pub(super) struct Oracle {
    python: PathBuf,
    driver: PathBuf,
}

impl Oracle {
    /// Installs it below `dir`, unless it is there already.
    ///
    /// # Errors
    /// There is no Python for it, or the package cannot be had.
    pub(super) fn install(steps: &Steps, dir: &Path) -> Result<Self> {
        let venv = dir.join(FMF.replace("==", "-"));
        let (python, installed) = (venv.join("bin/python"), venv.join("installed"));
        if !installed.exists() {
            let Some(found) = find_python() else {
                bail!("no Python >= 3.12 with `venv` on the PATH or in ~/.pyenv");
            };
            fs::create_dir_all(dir)?;
            let title = format!("an environment of {}", found.display());
            let mut make = Command::new(found);
            steps.command(&title, make.args(["-m", "venv", "--clear"]).arg(&venv))?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", FMF]);
            steps.command(&format!("installing {FMF}"), &mut pip)?;
            fs::write(&installed, FMF)?;
        }
        let driver = dir.join("oracle.py");
        fs::write(&driver, DRIVER).with_context(|| format!("cannot write {}", driver.display()))?;
        Ok(Self { python, driver })
    }

    /// Fills in what is expected of the cases in a file.
    pub(super) fn answer_cases(&self, file: &Path) -> Result<()> {
        self.answer("cases", file)
    }

    /// Fills in what is expected of the runs on a tree that a file names.
    pub(super) fn answer_tree(&self, file: &Path) -> Result<()> {
        self.answer("trees", file)
    }

    fn answer(&self, kind: &str, file: &Path) -> Result<()> {
        let mut driver = Command::new(&self.python);
        driver.arg(&self.driver).arg(kind).arg(file);
        let status = driver.status().context("cannot start Python")?;
        ensure!(status.success(), "the reference failed on {}: {status}", file.display());
        Ok(())
    }
}
