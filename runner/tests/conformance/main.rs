//! The promises of every backend, kept by the host and by the lab, through the real binary as agent.
//! Each promise opens a shell, runs a script that is known to break runners, and looks from inside:
//! through the shell alone, since the machine that it is on may be a different one.

mod background;
mod ending;
mod processes;
mod shell;
mod state;
mod streams;

use std::path::Path;
use std::sync::OnceLock;
use tutor::backend::Backend;
use tutor::backend::host::Host;
use tutor::backend::lab::{Choice, Lab};
use tutor::course::asks::Asks;
use tutor::folders::Folders;
use tutor::surroundings::{Surroundings, Trust};
use tutor_lab::accelerator::KvmPolicy;
use tutor_lab::cache::Cache;

const TUTOR: &str = env!("CARGO_BIN_EXE_tutor");

/// Makes a test of each promise for each backend. The compiler warns of a promise that is not listed.
macro_rules! promises {
    ($($backend:ident)*: $promises:tt) => {
        $(mod $backend {
            promises! { $backend keeps $promises }
        })*
    };
    ($backend:ident keeps { $($file:ident { $($promise:ident)* })* }) => {
        $($(#[test]
        fn $promise() {
            crate::$backend(crate::$file::$promise);
        })*)*
    };
}

promises! {
    host unguarded confined lab: {
        state {
            the_shell_starts_in_the_given_folder
            the_environment_is_the_given_one_and_no_more
            folder_variables_and_functions_are_kept
            a_readonly_variable_stays_readonly
            a_file_that_a_step_opened_stays_open
            set_u_is_kept_and_ends_only_the_step_that_breaks_it
            set_e_is_kept_and_ends_only_the_step_that_breaks_it
            the_status_of_a_step_is_there_for_the_next_one_alone
            an_exit_trap_runs_once_when_the_shell_closes
            a_check_sees_the_shell_and_changes_nothing
            an_aside_has_a_shell_of_its_own
        }
        streams {
            bytes_that_are_no_text_come_as_they_were
            an_escape_sequence_comes_as_it_was
            stdout_and_stderr_are_told_apart
            the_first_line_of_a_slow_step_comes_before_its_end
            words_of_the_control_channel_are_output_like_any_other
            commands_of_ours_are_not_in_what_is_printed
            lines_that_set_v_shows_are_those_of_the_step
            a_trap_of_a_step_sees_its_own_commands_only
            a_flood_comes_whole_and_in_order
            what_a_step_left_behind_prints_belongs_to_that_step
            what_was_left_behind_prints_to_its_own_step_after_hundreds_of_others
            a_step_that_reads_its_input_reads_nothing
            every_step_has_an_empty_input
            what_a_step_reads_of_the_shells_own_input_is_not_missed
            what_a_step_does_to_its_files_ends_with_it
            no_file_of_ours_is_in_what_a_step_starts
            standard_files_have_their_names
        }
        ending {
            the_status_is_that_of_the_last_command
            exit_ends_its_own_step_only
            whatever_ends_the_shell_ends_that_step_only
            a_shell_that_was_ended_between_two_steps_is_told_of
            a_step_that_closes_every_file_is_heard_to_the_end
            a_step_that_leaves_too_few_files_ends_the_shell_and_nothing_else
            readonly_names_of_ours_make_nobody_wait
            no_program_of_a_step_can_say_how_it_ended
            a_step_runs_once_whichever_file_was_closed_before
            a_step_that_kills_its_shell_runs_once
            a_step_told_to_a_shell_that_was_killed_runs_all_the_same
            builtins_may_be_redefined
            what_a_file_switches_off_harms_no_later_step
            a_top_level_break_or_return_does_no_harm
            text_that_is_no_shell_is_one_failed_step
            a_report_is_told_from_what_traps_print
            a_long_script_runs_to_its_last_line
            many_runs_in_a_row_are_each_heard
        }
        processes {
            a_hanging_step_is_ended_with_all_its_children
            a_child_that_holds_the_output_makes_nobody_wait
            a_silent_child_is_found_and_ended
            a_step_that_is_ended_is_asked_first
            a_step_that_does_not_listen_is_ended_all_the_same
            a_daemon_in_a_session_of_its_own_is_ended_with_its_step
            leftovers_name_the_step_they_came_from
            nothing_is_left_when_a_session_is_dropped
            a_timeout_loses_the_shell_and_not_the_folder
            two_sessions_know_nothing_of_each_other
        }
        background {
            runs_that_are_asked_for_at_once_all_run
            a_background_run_goes_on_beside_the_steps
            what_a_background_run_printed_comes_before_the_end_of_what_waited_for_it
            a_background_run_is_stopped_with_its_children
            a_background_run_that_ends_says_how
            a_background_run_hears_a_signal_at_any_moment
            an_exit_trap_of_a_background_run_runs_when_it_is_stopped
            ending_a_step_spares_what_runs_in_the_background
        }
    }
}

/// A function of this suite.
type Promise = fn(&dyn Backend);

/// Steps of a course that is trusted: in namespaces, where this machine permits them.
fn host(promise: Promise) {
    promise(&this_machine(Trust::Whole));
}

/// The same where there are no namespaces.
fn unguarded(promise: Promise) {
    promise(&this_machine(Trust::Unguarded));
}

/// Steps of a course that is not trusted.
fn confined(promise: Promise) {
    promise(&this_machine(Trust::Confined));
}

fn lab(promise: Promise) {
    match lab_of_this_machine() {
        Ok(lab) => promise(lab),
        Err(why) => println!("skipped: a promise of every backend, in the lab: {why}"),
    }
}

fn this_machine(trust: Trust) -> Host {
    let variable = |_: &str| None;
    let around = Surroundings::new(&Asks::default(), trust, &variable, vec![TUTOR.into()]);
    Host::new(Path::new(TUTOR), around)
}

/// One for all tests, so that they resume from one state.
fn lab_of_this_machine() -> Result<&'static Lab, String> {
    static LAB: OnceLock<Option<Lab>> = OnceLock::new();
    let lab = LAB.get_or_init(|| {
        let choice = Choice {
            cache: Cache::below(&Folders::of_user().ok()?.cache),
            kernel: std::env::var("TUTOR_TEST_KERNEL").unwrap_or("default".to_owned()),
            accelerator: KvmPolicy::Tcg,
            tutor: TUTOR.into(),
        };
        Some(Lab::new(choice, |_| ()))
    });
    let lab = lab.as_ref().ok_or("no folder for a cache")?;
    match lab.guests() {
        Ok(_) => Ok(lab),
        Err(error) => Err(error.to_string()),
    }
}
