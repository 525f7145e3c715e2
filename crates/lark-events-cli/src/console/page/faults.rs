//! The faults in effect, and the form that injects one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::{Content, needs_script, result};
use crate::console::Console;
use crate::console::fault_names::{self, Group};
use crate::console::shown::FaultShown;
use crate::figures::count;

pub(crate) async fn get(State(console): State<Arc<Console>>) -> Response {
    let position = console.position();
    let status = super::current(&console);
    let content = Content {
        title: "Faults".to_owned(),
        path: "/faults",
        main: main(
            &status.faults,
            status.faults_happened,
            &fault_names::groups(),
        ),
        stream: "page=faults".to_owned(),
        position,
    };
    super::respond(&console, content)
}

pub(crate) fn main(faults: &[FaultShown], happened: usize, groups: &[Group]) -> Markup {
    html! {
        h1 { "Faults" }
        (in_effect(faults, happened))
        (inject(groups))
    }
}

/// The faults in effect. Each can be removed.
pub(crate) fn in_effect(faults: &[FaultShown], happened: usize) -> Markup {
    html! {
        section #faults aria-labelledby="in-effect-title" {
            h2 #in-effect-title { "In effect" }
            p { (count(happened, "fault")) " happened so far. Those that happen once come first." }
            @if faults.is_empty() { p.faint { "None." } }
            @else {
                form data-json data-method="DELETE" data-did="Removed" method="post" action="/api/faults" aria-label="Remove faults" {
                    ul.plain {
                        @for fault in faults {
                            li.line {
                                span {
                                    "⚡ " code { (fault.fault) } " "
                                    @match fault.probability {
                                        None => span.faint { "once, at the next opportunity" },
                                        Some(probability) => span.faint { "at each opportunity, with probability " (probability) },
                                    }
                                }
                                button name="fault" value=(fault.fault) aria-label={ "Remove " (fault.fault) } { "Remove" }
                            }
                        }
                    }
                    button name="all" value="true" { "Remove all" }
                    (needs_script())
                }
            }
        }
    }
}

fn inject(groups: &[Group]) -> Markup {
    html! {
        section aria-labelledby="inject-title" {
            h2 #inject-title { "Inject" }
            form.column data-json method="post" action="/api/faults" data-did="Injected" {
                label {
                    "Fault"
                    select name="fault" required {
                        @for group in groups {
                            optgroup label=(group.label) {
                                @for name in &group.names {
                                    option value=(name.name) {
                                        (name.name)
                                        @if let Some(usual) = &name.usual { " (" (usual) ")" }
                                    }
                                }
                            }
                        }
                    }
                }
                label {
                    "Value"
                    input name="value" autocomplete="off" aria-describedby="value-hint";
                    small #value-hint { "Leave it empty for the value in parentheses, or for a fault without one." }
                }
                label {
                    "Probability"
                    input name="probability" inputmode="decimal" autocomplete="off" aria-describedby="probability-hint";
                    small #probability-hint {
                        "From 0 to 1 at each opportunity. Leave it empty to inject the fault once."
                    }
                }
                div { button { "Inject" } }
                (needs_script())
                (result())
            }
        }
    }
}
