//! Registering handlers. A clash is found when the dispatcher is built, and named with both places.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::panic::Location;

use super::dispatcher::{Dispatcher, Route, Routes, UnhandledPolicy};
use super::handler::{
    ErasedHandler, Handler, HandlerWith, SetHandler, erase, erase_raw, erase_set,
};
use super::outcome::{IntoReply, RawReply};
use super::unhandled::UnhandledTypes;
use crate::error::{BuildError, BuildProblem};
use crate::event::{DeliveryKind, EventInfo, EventSet, EventType, Schema};
use crate::json::RawJson;

type Place = &'static Location<'static>;

/// Registers handlers and builds a [`Dispatcher`].
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use lark_events::callback::{CardActionReply, CardActionTrigger, UrlPreviewGet, UrlPreviewReply};
/// use lark_events::{Dispatcher, Event};
///
/// struct App {
///     presses: AtomicU64,
/// }
///
/// impl App {
///     async fn on_press(self: Arc<Self>, event: Event<CardActionTrigger>) -> CardActionReply {
///         self.presses.fetch_add(1, Ordering::Relaxed);
///         CardActionReply::new()
///     }
/// }
///
/// async fn on_preview(event: Event<UrlPreviewGet>) -> Result<UrlPreviewReply, std::fmt::Error> {
///     Ok(UrlPreviewReply::title("a link"))
/// }
///
/// let app = Arc::new(App { presses: AtomicU64::new(0) });
/// let dispatcher = Dispatcher::builder()
///     .on(on_preview) // the event is the function's argument
///     .with_state(app)
///     .on_with::<CardActionTrigger>(App::on_press)
///     .on_raw("vc.something_new_v1", |event| async move {
///         println!("{} bytes", event.raw().as_bytes().len());
///     })
///     .fallback(|event| async move { println!("{}", event.header.event_type) })
///     .build()?;
/// # Ok::<(), lark_events::BuildError>(())
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct DispatcherBuilder<S = ()> {
    state: S,
    routes: HashMap<String, (Route, Place)>,
    fallback: Option<(ErasedHandler, Place)>,
    unhandled: UnhandledPolicy,
    problems: Vec<BuildProblem>,
}

impl Default for DispatcherBuilder {
    fn default() -> Self {
        Self {
            state: (),
            routes: HashMap::new(),
            fallback: None,
            unhandled: UnhandledPolicy::default(),
            problems: Vec::new(),
        }
    }
}

impl<S> DispatcherBuilder<S> {
    /// Registers the handler of an event: a function, or a closure whose argument need not be
    /// annotated. The handler returns the event's [`Reply`](EventType::Reply), which is `()` for
    /// notifications, or a `Result` of it.
    ///
    /// The event may be named, `on::<ReserveConfigUpdatedV1>(…)`, or left to the handler's
    /// argument, `on(on_updated)`.
    #[track_caller]
    pub fn on<E: EventType>(self, handler: impl Handler<E, Return: IntoReply<E::Reply>>) -> Self {
        self.insert_typed::<E>(erase::<E, _>(handler))
    }

    /// Registers one handler for every event of a set, such as the enum of a whole domain. What is
    /// then registered for one of them is a clash, as it is for any event. The handler returns `()`
    /// or a `Result` of it: callbacks need their own reply, and a set with one does not
    /// [build](Self::build).
    ///
    /// See [`EventSet`] for an example.
    #[track_caller]
    pub fn on_all<E: EventSet>(
        mut self,
        handler: impl SetHandler<E, Return: IntoReply<()>>,
    ) -> Self {
        let handler = erase_set::<E, _>(handler);
        for info in E::EVENTS {
            if DeliveryKind::of(info.event_type, info.schema) == DeliveryKind::Callback {
                self.problems.push(BuildProblem::CallbackInSet {
                    event_type: info.event_type,
                    place: Location::caller(),
                });
            }
            let handler = ErasedHandler::clone(&handler);
            self = self.insert(info.event_type, Some(handler), Some(info));
        }
        self
    }

    /// Registers a handler for an event that has no type: it is given the body as
    /// [`RawJson`]. It returns `()`, a [`RawReply`], or a `Result` of either.
    #[track_caller]
    pub fn on_raw(
        self,
        event_type: impl Into<String>,
        handler: impl Handler<RawJson, Return: IntoReply<RawReply>>,
    ) -> Self {
        self.insert(event_type, Some(erase_raw(handler)), None)
    }

    /// Registers a handler for every event that has none of its own. It is given the body as
    /// [`RawJson`], and returns what [`on_raw`](Self::on_raw)'s does.
    #[track_caller]
    pub fn fallback(mut self, handler: impl Handler<RawJson, Return: IntoReply<RawReply>>) -> Self {
        let second = Location::caller();
        match self.fallback {
            Some((_, first)) => self.problems.push(BuildProblem::Clash {
                event_type: None,
                first,
                second,
            }),
            None => self.fallback = Some((erase_raw(handler), second)),
        }
        self
    }

    /// Acknowledges events of these types without a handler and without a line in the log, whatever
    /// the policy for [`unhandled`](Self::unhandled) events: for what the app is subscribed to and
    /// does not need. Ignoring a type that has a handler is a clash.
    ///
    /// ```
    /// use lark_events::Dispatcher;
    ///
    /// let dispatcher = Dispatcher::builder()
    ///     .ignore(["im.chat.updated_v1", "im.message.message_read_v1"])
    ///     .build()?;
    /// # Ok::<(), lark_events::BuildError>(())
    /// ```
    #[track_caller]
    pub fn ignore(mut self, event_types: impl IntoIterator<Item: Into<String>>) -> Self {
        let place = Location::caller();
        for event_type in event_types {
            let event_type = event_type.into();
            if is_never_an_event(&event_type) {
                self.problems
                    .push(BuildProblem::CallbackIgnored { event_type, place });
            } else {
                self = self.insert(event_type, None, None);
            }
        }
        self
    }

    /// Sets the state for the [`on_with`](Self::on_with) handlers that follow. Each of them is given
    /// a clone per event, so the state is something cheap to clone, most often an `Arc`.
    pub fn with_state<T: Clone + Send + Sync + 'static>(self, state: T) -> DispatcherBuilder<T> {
        DispatcherBuilder {
            state,
            routes: self.routes,
            fallback: self.fallback,
            unhandled: self.unhandled,
            problems: self.problems,
        }
    }

    /// Registers the handler of an event that is also given the state: a closure
    /// `|state, event| …`, or a method path such as `App::on_updated` where the method takes
    /// `self: Arc<Self>` and the event.
    #[track_caller]
    pub fn on_with<E: EventType>(
        self,
        handler: impl HandlerWith<S, E, Return: IntoReply<E::Reply>>,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let state = self.state.clone();
        let handler = erase::<E, _>(move |event| handler(state.clone(), event));
        self.insert_typed::<E>(handler)
    }

    /// What to do with an event that nothing is registered for. The default is
    /// [`UnhandledPolicy::Acknowledge`].
    pub fn unhandled(mut self, policy: UnhandledPolicy) -> Self {
        self.unhandled = policy;
        self
    }

    #[track_caller]
    fn insert_typed<E: EventType>(self, handler: ErasedHandler) -> Self {
        self.insert(E::EVENT_TYPE, Some(handler), Some(const { &E::INFO }))
    }

    #[track_caller]
    fn insert(
        mut self,
        event_type: impl Into<String>,
        handler: Option<ErasedHandler>,
        info: Option<&'static EventInfo>,
    ) -> Self {
        let second = Location::caller();
        match self.routes.entry(event_type.into()) {
            Entry::Occupied(entry) => self.problems.push(BuildProblem::Clash {
                event_type: Some(entry.key().clone()),
                first: entry.get().1,
                second,
            }),
            Entry::Vacant(entry) => {
                entry.insert((Route { handler, info }, second));
            }
        }
        self
    }

    /// Builds the dispatcher.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when an event type, or the fallback, was registered twice, or a callback is in
    /// a set or ignored.
    pub fn build(self) -> Result<Dispatcher, BuildError> {
        if !self.problems.is_empty() {
            return Err(BuildError(self.problems));
        }
        let routes = self.routes.into_iter();
        Ok(Dispatcher::new(Routes {
            by_type: routes.map(|(key, (route, _))| (key, route)).collect(),
            fallback: self.fallback.map(|(handler, _)| handler),
            unhandled: self.unhandled,
            unhandled_types: UnhandledTypes::default(),
        }))
    }
}

/// Whether a type is a callback in any envelope that it may come in.
fn is_never_an_event(event_type: &str) -> bool {
    let names_its_domain = event_type.contains('.');
    names_its_domain && DeliveryKind::of(event_type, Schema::V2) == DeliveryKind::Callback
}

impl<S> fmt::Debug for DispatcherBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DispatcherBuilder")
            .field("event_types", &self.routes.keys())
            .field("fallback", &self.fallback.is_some())
            .field("unhandled", &self.unhandled)
            .finish_non_exhaustive()
    }
}
