//! `motet man`: pages of the manual.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::args::{Cli, ManArgs};
use crate::exit::{Exit, Failed};
use crate::output;

pub(crate) fn run(args: &ManArgs) -> Result<Exit, Failed> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page).map_err(Failed::here)?;
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&page).and_then(|()| stdout.flush()).map_err(output::unwritten)?;
        return Ok(Exit::Success);
    };
    let unwritten = |error| Failed::here(format!("cannot write the pages to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(unwritten)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(unwritten)?;
    Ok(Exit::Success)
}
