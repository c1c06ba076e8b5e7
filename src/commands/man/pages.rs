//! The man pages: one for `shipctl`, one for each of our own commands, one for the drop-in commands together, who are
//! many and short. No dates: the same source gives the same page.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::text;
use crate::cli;
use crate::commands::drop_in::{self, DropIn, Group, TABLE};

/// The name of the page of all drop-in commands.
const DROP_IN: &str = "shipctl-drop-in";
/// The page that says what JSON its commands print.
const ECS: &str = "shipctl-ecs";

/// Every page that is a file, by name.
pub fn all() -> Vec<(String, String)> {
    let mut top = cli::command().disable_help_subcommand(true);
    top.build();
    let mut pages = vec![("shipctl".to_owned(), top_page(&top)), (DROP_IN.to_owned(), drop_in_page())];
    for command in own(&top) {
        add_own(&mut pages, command);
    }
    pages
}

/// The page of one drop-in command, which is printed on demand.
pub fn one_drop_in(name: &str) -> Option<String> {
    let command = drop_in::by_name(name.as_ref())?;
    let mut page = Roff::new();
    title(&mut page, &format!("shipctl-{}", command.name));
    page.control("SH", ["NAME"]);
    page.text([roman(format!("shipctl-{} - {}", command.name, lower_first(command.about)))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text(usage(command));
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(format!("{}.", command.about))]);
    other_names(&mut page, command);
    statuses(&mut page);
    see_also(&mut page, &["shipctl", DROP_IN]);
    Some(finished(&page))
}

/// Our own commands of the tree.
fn own(top: &Command) -> impl Iterator<Item = &Command> {
    top.get_subcommands().filter(|command| drop_in::by_name(command.get_name().as_ref()).is_none())
}

fn add_own(pages: &mut Vec<(String, String)>, command: &Command) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let man = Man::new(command.clone());
    let mut page = Roff::new();
    title(&mut page, &name);
    let mut page = page.render().into_bytes();
    // Writing into memory does not fail.
    let _ = man.render_name_section(&mut page);
    let _ = man.render_synopsis_section(&mut page);
    let _ = man.render_description_section(&mut page);
    let _ = man.render_options_section(&mut page);
    let mut rest = Roff::new();
    if command.has_subcommands() {
        rest.control("SH", ["COMMANDS"]);
        for sub in command.get_subcommands() {
            entry(&mut rest, [bold(sub.get_name())], &about(sub));
        }
    }
    if name == ECS {
        json(&mut rest);
    }
    see_also(&mut rest, &["shipctl", DROP_IN]);
    page.extend_from_slice(rest.render().as_bytes());
    pages.push((name, once_defined(&String::from_utf8_lossy(&page))));
    for sub in command.get_subcommands() {
        add_own(pages, sub);
    }
}

/// What `--json` prints.
fn json(page: &mut Roff) {
    page.control("SH", ["JSON"]);
    page.text([roman("With --json standard output has one JSON object a line and nothing else.")]);
    for (commands, fields) in text::ECS_JSON {
        page.control("SS", [*commands]);
        for (names, meaning) in *fields {
            entry(page, [bold(*names)], meaning);
        }
    }
}

/// `shipctl(1)`.
fn top_page(top: &Command) -> String {
    let mut page = Roff::new();
    title(&mut page, "shipctl");
    page.control("SH", ["NAME"]);
    page.text([roman(format!("shipctl - {}", lower_first(&about(top))))]);
    page.control("SH", ["SYNOPSIS"]);
    let (options, arguments) =
        ([roman(" ["), italic("OPTIONS"), roman("] ")], [roman(" ["), italic("ARGUMENTS"), roman("]")]);
    page.text(
        [bold("shipctl")].into_iter().chain(options).chain([italic("COMMAND")]).chain(arguments).collect::<Vec<_>>(),
    );
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut page, text::DESCRIPTION);
    page.control("SH", ["OPTIONS"]);
    page.text([roman("Options come before the command; what follows the name of a drop-in command is the script's.")]);
    for (words, about) in cli::options() {
        entry(&mut page, [bold(words)], &about);
    }
    page.control("SH", ["COMMANDS"]);
    for command in own(top) {
        leaves(command, &mut |words, leaf| entry(&mut page, [bold(words)], &about(leaf)));
    }
    for group in Group::ALL {
        page.control("SS", [group.heading()]);
        for command in of(group) {
            entry(&mut page, [bold(command.name)], command.about);
        }
    }
    statuses(&mut page);
    page.control("SH", ["ENVIRONMENT"]);
    for (name, meaning) in text::ENVIRONMENT {
        entry(&mut page, [bold(*name)], meaning);
    }
    page.control("SH", ["EXAMPLES"]);
    for (at, (script, meaning)) in text::EXAMPLES.iter().enumerate() {
        if at > 0 {
            page.control("PP", []);
        }
        page.text([roman(*meaning)]);
        code(&mut page, script);
    }
    let mut others: Vec<&str> = vec![DROP_IN];
    others.extend(own(top).filter_map(Command::get_display_name));
    see_also(&mut page, &others);
    finished(&page)
}

/// `shipctl-drop-in(1)`.
fn drop_in_page() -> String {
    let mut page = Roff::new();
    title(&mut page, DROP_IN);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{DROP_IN} - the commands of the original shipctl"))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold("shipctl"), roman(" "), italic("COMMAND"), roman(" ["), italic("ARGUMENTS"), roman("]")]);
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut page, text::DROP_IN);
    for group in Group::ALL {
        let heading = group.heading();
        page.control("SH", [heading.strip_prefix("Drop-in: ").unwrap_or(heading).to_uppercase().as_str()]);
        for command in of(group) {
            entry(&mut page, usage(command), &format!("{}.", command.about));
            if !command.aliases.is_empty() {
                page.text([roman(format!("Also {}.", command.aliases.join(", ")))]);
            }
        }
    }
    statuses(&mut page);
    page.control("SH", ["DIFFERENCES FROM THE ORIGINAL"]);
    for (original, here) in text::DIFFERENCES {
        entry(&mut page, [roman(*original)], here);
    }
    see_also(&mut page, &["shipctl", "jq"]);
    finished(&page)
}

fn of(group: Group) -> impl Iterator<Item = &'static DropIn> {
    TABLE.iter().filter(move |command| command.group == group)
}

/// Calls `visit` with the words and the command of each leaf.
fn leaves(command: &Command, visit: &mut impl FnMut(String, &Command)) {
    if command.has_subcommands() {
        command.get_subcommands().for_each(|sub| leaves(sub, visit));
    } else {
        let words = command.get_bin_name().unwrap_or_else(|| command.get_name());
        visit(words.strip_prefix("shipctl ").unwrap_or(words).to_owned(), command);
    }
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// As a NAME line has it; words in capitals stay.
fn lower_first(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => first.to_lowercase().chain(letters).collect(),
        _ => sentence.to_owned(),
    }
}

fn finished(page: &Roff) -> String {
    once_defined(&page.render())
}

/// Each part of a page defines the apostrophe again: the definition is kept once.
fn once_defined(page: &str) -> String {
    let (definition, text): (Vec<_>, Vec<_>) = page
        .split_inclusive('\n')
        .partition(|line| line.starts_with(".ie \\n(.g .ds Aq") || line.starts_with(".el .ds Aq"));
    definition.into_iter().take(2).chain(text).collect()
}

fn version() -> String {
    format!("shipctl {}", env!("CARGO_PKG_VERSION"))
}

/// The title line. The date is empty on purpose, which has to be said: an argument left out shifts the others.
fn title(page: &mut Roff, name: &str) {
    page.control("TH", [name, "1", "\"\"", version().as_str(), text::MANUAL]);
    // Names of variables and commands are to be copied: no hyphenation.
    page.control("nh", []);
}

fn usage(command: &DropIn) -> Vec<Inline> {
    vec![bold("shipctl"), roman(" "), bold(command.name), roman(format!(" {}", command.usage).trim_end().to_owned())]
}

fn other_names(page: &mut Roff, command: &DropIn) {
    if !command.aliases.is_empty() {
        page.control("PP", []);
        page.text([roman(format!("Other names: {}.", command.aliases.join(", ")))]);
    }
}

fn paragraphs(page: &mut Roff, paragraphs: &[&str]) {
    for (at, paragraph) in paragraphs.iter().enumerate() {
        if at > 0 {
            page.control("PP", []);
        }
        page.text([roman(*paragraph)]);
    }
}

fn entry(page: &mut Roff, term: impl Into<Vec<Inline>>, meaning: &str) {
    page.control("TP", []);
    page.text(term);
    page.text([roman(meaning)]);
}

fn code(page: &mut Roff, script: &str) {
    page.control("PP", []);
    page.control("RS", ["4"]);
    page.control("nf", []);
    for line in script.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
    page.control("RE", []);
}

fn statuses(page: &mut Roff) {
    page.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in text::statuses() {
        entry(page, [bold(status)], meaning);
    }
}

fn see_also(page: &mut Roff, names: &[&str]) {
    page.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    for (at, name) in names.iter().enumerate() {
        line.extend([roman(if at > 0 { ", " } else { "" }), bold(*name), roman("(1)")]);
    }
    page.text(line);
}
