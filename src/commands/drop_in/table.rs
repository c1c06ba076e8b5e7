//! The list of drop-in commands.

use super::Group::{Integration, Lookup, Run, State, Text};
use super::{
    DropIn, bump_version, copy, decrypt, get_git_changes, get_json_value, integration, jdk, lookup, notify, replace,
    replicate, retry, service, split_tests, state, text, version_key,
};

/// Every drop-in command, in the order of `--help`.
#[rustfmt::skip]
pub static TABLE: &[DropIn] = &[
    DropIn { name: "get_resource_name", aliases: &["ship_resource_get_name"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The variable prefix of a resource or job", action: text::get_resource_name },
    DropIn { name: "get_resource_id", aliases: &["ship_resource_get_id"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The id of a resource", action: lookup::get_resource_id },
    DropIn { name: "get_resource_type", aliases: &["ship_resource_get_type"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The type of a resource or job", action: lookup::get_resource_type },
    DropIn { name: "get_resource_operation", aliases: &["ship_resource_get_operation"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "IN or OUT", action: lookup::get_resource_operation },
    DropIn { name: "get_resource_meta", aliases: &["ship_resource_get_meta"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The folder of a resource", action: lookup::get_resource_meta },
    DropIn { name: "get_resource_state", aliases: &["ship_resource_get_state"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The folder of a resource's files, or of the job's state", action: lookup::get_resource_state },
    DropIn { name: "get_resource_path", aliases: &[], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The same as get_resource_state", action: lookup::get_resource_state },
    DropIn { name: "get_resource_version_name", aliases: &["ship_resource_get_version_name"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The version name of a resource, such as an image's tag", action: lookup::get_resource_version_name },
    DropIn { name: "get_resource_version_id", aliases: &["ship_resource_get_version_id"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The version id of a resource", action: lookup::get_resource_version_id },
    DropIn { name: "get_resource_version_number", aliases: &["ship_resource_get_version_number"], usage: "RESOURCE_NAME", required: 1, group: Lookup, about: "The version number of a resource", action: lookup::get_resource_version_number },
    DropIn { name: "get_resource_version_key", aliases: &[], usage: "RESOURCE_NAME KEY", required: 2, group: Lookup, about: "A value of a resource's version", action: version_key::get_resource_version_key },
    DropIn { name: "get_resource_pointer_key", aliases: &[], usage: "RESOURCE_NAME POINTER_KEY", required: 2, group: Lookup, about: "A value of a resource's pointer in the yml", action: version_key::get_resource_pointer_key },
    DropIn { name: "get_resource_env", aliases: &[], usage: "RESOURCE_NAME ENV_NAME", required: 2, group: Lookup, about: "A variable of a resource, such as a repository's commit", action: lookup::get_resource_env },
    DropIn { name: "get_params_resource", aliases: &["ship_resource_get_param"], usage: "RESOURCE_NAME PARAM_NAME", required: 2, group: Lookup, about: "A parameter of a params resource", action: lookup::get_params_resource },

    DropIn { name: "get_integration_resource_field", aliases: &[], usage: "RESOURCE_NAME KEY_NAME", required: 2, group: Integration, about: "A field of a resource's integration", action: integration::get_integration_resource_field },
    DropIn { name: "get_integration_resource_keys", aliases: &[], usage: "RESOURCE_NAME", required: 1, group: Integration, about: "The names of those fields, one a line", action: integration::get_integration_resource_keys },
    DropIn { name: "get_integration_resource", aliases: &["ship_resource_get_integration"], usage: "RESOURCE_NAME [KEY]", required: 1, group: Integration, about: "A resource's integration as JSON, or a value in it", action: integration::get_integration_resource },
    DropIn { name: "get_integration_field", aliases: &[], usage: "INTEGRATION_NAME KEY_NAME", required: 2, group: Integration, about: "A field of one of the job's integrations", action: integration::get_integration_field },
    DropIn { name: "get_integration_keys", aliases: &[], usage: "INTEGRATION_NAME", required: 1, group: Integration, about: "The names of those fields, one a line", action: integration::get_integration_keys },
    DropIn { name: "get_json_value", aliases: &["ship_get_json_value", "read_json"], usage: "JSON_PATH [FIELD]", required: 1, group: Integration, about: "A value of a JSON file, by path or jq filter", action: get_json_value::get_json_value },

    DropIn { name: "put_resource_state", aliases: &["ship_resource_put_state"], usage: "RESOURCE_NAME STATE_NAME STATE_VALUE", required: 3, group: State, about: "Adds NAME=VALUE to what the job says of a resource", action: state::put_resource_state },
    DropIn { name: "post_resource_state", aliases: &["ship_resource_post_state"], usage: "RESOURCE_NAME STATE_NAME STATE_VALUE", required: 3, group: State, about: "The same, dropping what was said before", action: state::post_resource_state },
    DropIn { name: "put_resource_state_multi", aliases: &["write_output"], usage: "RESOURCE_NAME STATE_ARRAY", required: 2, group: State, about: "Adds many NAME=VALUE pairs", action: state::put_resource_state_multi },
    DropIn { name: "post_resource_state_multi", aliases: &[], usage: "RESOURCE_NAME STATE_ARRAY", required: 2, group: State, about: "The same, dropping what was said before", action: state::post_resource_state_multi },
    DropIn { name: "copy_file_to_state", aliases: &["ship_job_copy_file_to_state"], usage: "FILE_PATH", required: 1, group: State, about: "Copies a file or folder into the job's state", action: copy::copy_file_to_state },
    DropIn { name: "copy_file_from_prev_state", aliases: &["ship_job_copy_file_from_prev_state"], usage: "FILE_PATH RESTORE_PATH", required: 2, group: State, about: "Copies a file of the job's previous state", action: copy::copy_file_from_prev_state },
    DropIn { name: "refresh_file_to_state", aliases: &["ship_job_refresh_file_to_state"], usage: "FILE_PATH", required: 1, group: State, about: "Copies a file into the job's state, else its previous version", action: copy::refresh_file_to_state },
    DropIn { name: "copy_file_from_resource_state", aliases: &["copy_resource_file_from_state", "ship_resource_copy_file_from_state"], usage: "RESOURCE_NAME FILE_NAME PATH_TO_COPY_INTO", required: 3, group: State, about: "Copies a file of an input", action: copy::copy_file_from_resource_state },
    DropIn { name: "copy_file_to_resource_state", aliases: &["refresh_file_to_out_path", "ship_resource_refresh_file_to_state"], usage: "FILE_NAME RES_NAME", required: 2, group: State, about: "Copies a file into an output, else its previous version", action: copy::copy_file_to_resource_state },
    DropIn { name: "replicate", aliases: &["replicate_resource"], usage: "FROM_resource_name TO_resource_name [--files-only] [--metadata-only] [--webhook-data-only] [--match-settings]", required: 2, group: State, about: "Makes an output, or the job, a copy of an input", action: replicate::replicate },

    DropIn { name: "sanitize_shippable_string", aliases: &[], usage: "STRING", required: 1, group: Text, about: "A string without what a variable name cannot hold", action: text::sanitize_shippable_string },
    DropIn { name: "to_uppercase", aliases: &[], usage: "ANY_STRING", required: 1, group: Text, about: "A string upper-cased", action: text::to_uppercase },
    DropIn { name: "bump_version", aliases: &["bump_semver"], usage: "VERSION ACTION", required: 2, group: Text, about: "The next version: major, minor, patch, alpha, beta, rc or final", action: bump_version::bump_version },
    DropIn { name: "replace", aliases: &["shippable_replace", "replace_envs"], usage: "FILE...", required: 0, group: Text, about: "Fills $NAME and ${NAME} in files by the environment", action: replace::replace },

    DropIn { name: "retry", aliases: &["shippable_retry", "retry_command"], usage: "COMMAND ARGUMENTS...", required: 1, group: Run, about: "Runs a command up to three times until it succeeds", action: retry::retry },
    DropIn { name: "decrypt", aliases: &["shippable_decrypt", "decrypt_file"], usage: "FILE [KEY]", required: 1, group: Run, about: "Decrypts FILE to FILE.decrypted with an RSA key", action: decrypt::decrypt },
    DropIn { name: "get_git_changes", aliases: &["compare_git"], usage: "(--path=DIR | --resource=R) [--commit-range=A..B] [--depth=N] [--directories-only]", required: 0, group: Run, about: "The files that changed in a range of commits", action: get_git_changes::get_git_changes },
    DropIn { name: "split_tests", aliases: &[], usage: "TEST_PATH TEST_FILES_NAME_REGEX TEST_REPORTS_PATH", required: 3, group: Run, about: "This node's share of the tests", action: split_tests::split_tests },
    DropIn { name: "notify", aliases: &["send_notification"], usage: "RESOURCE [OPTIONS]", required: 1, group: Run, about: "Posts to Slack, a webhook, IRC, New Relic, Airbrake or Jira", action: notify::notify },
    DropIn { name: "jdk", aliases: &["shippable_jdk"], usage: "set NAME", required: 2, group: Run, about: "Shell code that selects a JDK, such as openjdk11", action: jdk::jdk },
    DropIn { name: "service", aliases: &["shippable_service"], usage: "ARGUMENTS...", required: 0, group: Run, about: "Calls shippable_service, when the image has it", action: service::service },
];
