//! The registrations so far, including handlers that still wait for the app's state.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::Location;
use std::sync::Arc;

use super::dispatcher::{Dispatcher, Route, Routes, UnhandledPolicy};
use super::handler::ErasedHandler;
use super::unhandled::UnhandledTypes;
use crate::error::{BuildError, BuildProblem};
use crate::event::EventInfo;

type Place = &'static Location<'static>;

/// A handler, or a function that makes one from the state.
pub(super) enum Registration<S> {
    Ready(ErasedHandler),
    Waiting(Arc<dyn Fn(&S) -> ErasedHandler + Send + Sync>),
}

/// All registrations so far.
pub(super) struct Registered<S> {
    by_type: HashMap<String, Entered<S>>,
    fallback: Option<(Registration<S>, Place)>,
    pub(super) unhandled: UnhandledPolicy,
    pub(super) problems: Vec<BuildProblem>,
}

/// The registration of one event type.
struct Entered<S> {
    /// `None` if the app ignores the type.
    handler: Option<Registration<S>>,
    info: Option<&'static EventInfo>,
    place: Place,
}

impl<S> Registration<S> {
    pub(super) fn waiting(make: impl Fn(&S) -> ErasedHandler + Send + Sync + 'static) -> Self {
        Self::Waiting(Arc::new(make))
    }

    fn bind(self, state: &S) -> ErasedHandler {
        match self {
            Self::Ready(handler) => handler,
            Self::Waiting(make) => make(state),
        }
    }
}

impl<S> Registered<S> {
    #[track_caller]
    pub(super) fn insert(
        &mut self,
        event_type: String,
        handler: Option<Registration<S>>,
        info: Option<&'static EventInfo>,
    ) {
        let place = Location::caller();
        match self.by_type.entry(event_type) {
            Entry::Occupied(entry) => self.problems.push(BuildProblem::Clash {
                event_type: Some(entry.key().clone()),
                first: entry.get().place,
                second: place,
            }),
            Entry::Vacant(entry) => {
                entry.insert(Entered {
                    handler,
                    info,
                    place,
                });
            }
        }
    }

    #[track_caller]
    pub(super) fn insert_fallback(&mut self, handler: Registration<S>) {
        let second = Location::caller();
        match self.fallback {
            Some((_, first)) => self.problems.push(BuildProblem::Clash {
                event_type: None,
                first,
                second,
            }),
            None => self.fallback = Some((handler, second)),
        }
    }

    pub(super) fn event_types(&self) -> impl Iterator<Item = &String> {
        self.by_type.keys()
    }

    pub(super) fn has_fallback(&self) -> bool {
        self.fallback.is_some()
    }

    /// Passes the state to the handlers that wait for it.
    pub(super) fn bind<T>(self, state: &S) -> Registered<T> {
        let bind = |handler: Registration<S>| Registration::Ready(handler.bind(state));
        let by_type = self.by_type.into_iter().map(|(event_type, entered)| {
            let ready = Entered {
                handler: entered.handler.map(bind),
                info: entered.info,
                place: entered.place,
            };
            (event_type, ready)
        });
        Registered {
            by_type: by_type.collect(),
            fallback: self.fallback.map(|(handler, place)| (bind(handler), place)),
            unhandled: self.unhandled,
            problems: self.problems,
        }
    }

    pub(super) fn build(self, state: &S) -> Result<Dispatcher, BuildError> {
        if !self.problems.is_empty() {
            return Err(BuildError(self.problems));
        }
        let routes = self.by_type.into_iter().map(|(event_type, entered)| {
            let handler = entered.handler.map(|handler| handler.bind(state));
            let info = entered.info;
            (event_type, Route { handler, info })
        });
        Ok(Dispatcher::new(Routes {
            by_type: routes.collect(),
            fallback: self.fallback.map(|(handler, _)| handler.bind(state)),
            unhandled: self.unhandled,
            unhandled_types: UnhandledTypes::default(),
        }))
    }
}

impl<S> Default for Registered<S> {
    fn default() -> Self {
        Self {
            by_type: HashMap::new(),
            fallback: None,
            unhandled: UnhandledPolicy::default(),
            problems: Vec::new(),
        }
    }
}

// Derived impls would require `S: Clone`.

impl<S> Clone for Registration<S> {
    fn clone(&self) -> Self {
        match self {
            Self::Ready(handler) => Self::Ready(Arc::clone(handler)),
            Self::Waiting(make) => Self::Waiting(Arc::clone(make)),
        }
    }
}

impl<S> Clone for Entered<S> {
    fn clone(&self) -> Self {
        Self {
            handler: self.handler.clone(),
            info: self.info,
            place: self.place,
        }
    }
}

impl<S> Clone for Registered<S> {
    fn clone(&self) -> Self {
        Self {
            by_type: self.by_type.clone(),
            fallback: self.fallback.clone(),
            unhandled: self.unhandled,
            problems: self.problems.clone(),
        }
    }
}
