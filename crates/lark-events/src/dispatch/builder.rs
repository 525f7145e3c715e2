//! Registering handlers. Building the dispatcher reports conflicting registrations with both places in
//! the code.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::dispatcher::{Dispatcher, UnhandledPolicy};
use super::handler::{
    Handler, HandlerWith, SetHandler, SetHandlerWith, erase, erase_raw, erase_set,
};
use super::outcome::{IntoReply, RawReply};
use super::registered::{Registered, Registration};
use crate::error::{BuildError, BuildProblem};
use crate::event::{DeliveryKind, EventSet, EventType, Schema};
use crate::json::RawJson;

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
///     .with_state(app) // or after the handlers that take it
///     .on_with::<CardActionTrigger>(App::on_press)
///     .on_raw("vc.something_new_v1", |event| async move {
///         println!("{} bytes", event.raw().as_bytes().len());
///     })
///     .fallback(|event| async move { println!("{}", event.header.event_type) })
///     .build()?;
/// # Ok::<(), lark_events::error::BuildError>(())
/// ```
///
/// `S` is the state that the `…_with` handlers take. `P` records whether the builder has it: a builder
/// with handlers that still need [`with_state`](Self::with_state) has no `build`.
#[must_use = "a builder does nothing until it is built"]
pub struct DispatcherBuilder<S = (), P = NoState> {
    state: P,
    registered: Registered<S>,
}

/// Marks a [`DispatcherBuilder`] without state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoState;

/// Marks a [`DispatcherBuilder`] that holds the state for its handlers.
#[derive(Clone)]
pub struct HasState<S>(S);

impl<S> Default for DispatcherBuilder<S> {
    fn default() -> Self {
        Self {
            state: NoState,
            registered: Registered::default(),
        }
    }
}

impl<S, P> DispatcherBuilder<S, P> {
    /// Registers the handler of an event: a function, or a closure whose argument need not be
    /// annotated. The handler returns the event's [`Reply`](EventType::Reply), which is `()` for
    /// notifications, or a `Result` of it.
    ///
    /// Name the event, as in `on::<ReserveConfigUpdatedV1>(…)`, or let the compiler infer it from the
    /// handler's argument, as in `on(on_updated)`.
    #[track_caller]
    pub fn on<E: EventType>(self, handler: impl Handler<E, Return: IntoReply<E::Reply>>) -> Self {
        self.insert_typed::<E>(Registration::Ready(erase::<E, _>(handler)))
    }

    /// Registers one handler for every event of a set, such as the enum of a whole domain. Another
    /// registration for one of these events is a conflict, as for any event. The handler returns `()`
    /// or a `Result` of it. A set must not contain callbacks, which need their own reply:
    /// [`build`](Self::build) fails if it does.
    ///
    /// See [`EventSet`] for an example.
    #[track_caller]
    pub fn on_all<E: EventSet>(self, handler: impl SetHandler<E, Return: IntoReply<()>>) -> Self {
        self.insert_set::<E>(&Registration::Ready(erase_set::<E, _>(handler)))
    }

    /// Registers a handler for an event without a Rust type. The handler receives the body as
    /// [`RawJson`] and returns `()`, a [`RawReply`], or a `Result` of either.
    #[track_caller]
    pub fn on_raw(
        mut self,
        event_type: impl Into<String>,
        handler: impl Handler<RawJson, Return: IntoReply<RawReply>>,
    ) -> Self {
        let handler = Registration::Ready(erase_raw(handler));
        self.registered
            .insert(event_type.into(), Some(handler), None);
        self
    }

    /// Registers a handler for every event without another handler. The handler receives the body as
    /// [`RawJson`] and returns the same as a handler of [`on_raw`](Self::on_raw).
    #[track_caller]
    pub fn fallback(mut self, handler: impl Handler<RawJson, Return: IntoReply<RawReply>>) -> Self {
        let handler = Registration::Ready(erase_raw(handler));
        self.registered.insert_fallback(handler);
        self
    }

    /// Acknowledges events of these types without a handler and without logging, whatever the policy
    /// for [`unhandled`](Self::unhandled) events. Use it for event types that the app is subscribed to
    /// but does not need. Ignoring a type that has a handler is a conflict.
    ///
    /// ```
    /// use lark_events::Dispatcher;
    ///
    /// let dispatcher = Dispatcher::builder()
    ///     .ignore(["im.chat.updated_v1", "im.message.message_read_v1"])
    ///     .build()?;
    /// # Ok::<(), lark_events::error::BuildError>(())
    /// ```
    #[track_caller]
    pub fn ignore(mut self, event_types: impl IntoIterator<Item: Into<String>>) -> Self {
        let place = Location::caller();
        for event_type in event_types {
            let event_type = event_type.into();
            if is_never_an_event(&event_type) {
                let problem = BuildProblem::CallbackIgnored { event_type, place };
                self.registered.problems.push(problem);
            } else {
                self.registered.insert(event_type, None, None);
            }
        }
        self
    }

    /// Sets what to do with an event that has no handler. See [`UnhandledPolicy`] for the default.
    pub fn unhandled(mut self, policy: UnhandledPolicy) -> Self {
        self.registered.unhandled = policy;
        self
    }

    #[track_caller]
    fn insert_typed<E: EventType>(mut self, handler: Registration<S>) -> Self {
        let info = Some(const { &E::INFO });
        self.registered
            .insert(E::EVENT_TYPE.to_owned(), Some(handler), info);
        self
    }

    #[track_caller]
    fn insert_set<E: EventSet>(mut self, handler: &Registration<S>) -> Self {
        for info in E::EVENTS {
            let event_type = info.event_type;
            if DeliveryKind::of(event_type, info.schema) == DeliveryKind::Callback {
                let place = Location::caller();
                let problem = BuildProblem::CallbackInSet { event_type, place };
                self.registered.problems.push(problem);
            }
            let handler = Some(handler.clone());
            self.registered
                .insert(event_type.to_owned(), handler, Some(info));
        }
        self
    }
}

/// Handlers that receive a clone of the state with each event.
impl<S: Clone + Send + Sync + 'static, P> DispatcherBuilder<S, P> {
    /// Registers the handler of an event that also takes the state: a function of the state and the event, a
    /// closure `|state, event| …`, or a method path such as `App::on_updated` if the method takes
    /// `self: Arc<Self>` and the event.
    #[track_caller]
    pub fn on_with<E: EventType>(
        self,
        handler: impl HandlerWith<S, E, Return: IntoReply<E::Reply>>,
    ) -> Self {
        let handler = Arc::new(handler);
        self.insert_typed::<E>(Registration::waiting(move |state: &S| {
            let (handler, state) = (Arc::clone(&handler), state.clone());
            erase::<E, _>(move |event| handler(state.clone(), event))
        }))
    }

    /// [`on_all`](Self::on_all) with the state: a closure `|state, event| …`.
    #[track_caller]
    pub fn on_all_with<E: EventSet>(
        self,
        handler: impl SetHandlerWith<S, E, Return: IntoReply<()>>,
    ) -> Self {
        let handler = Arc::new(handler);
        self.insert_set::<E>(&Registration::waiting(move |state: &S| {
            let (handler, state) = (Arc::clone(&handler), state.clone());
            erase_set::<E, _>(move |event| handler(state.clone(), event))
        }))
    }

    /// [`on_raw`](Self::on_raw) with the state: a closure `|state, event| …`.
    #[track_caller]
    pub fn on_raw_with(
        mut self,
        event_type: impl Into<String>,
        handler: impl HandlerWith<S, RawJson, Return: IntoReply<RawReply>>,
    ) -> Self {
        self.registered
            .insert(event_type.into(), Some(raw_with(handler)), None);
        self
    }

    /// [`fallback`](Self::fallback) with the state: a closure `|state, event| …`.
    #[track_caller]
    pub fn fallback_with(
        mut self,
        handler: impl HandlerWith<S, RawJson, Return: IntoReply<RawReply>>,
    ) -> Self {
        self.registered.insert_fallback(raw_with(handler));
        self
    }
}

impl<S> DispatcherBuilder<S> {
    /// Sets the state for the handlers that take it, registered before or after this call. Each handler
    /// receives a clone per event, so use a type that is cheap to clone, such as an `Arc`.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use lark_events::Dispatcher;
    /// use lark_events::dispatch::DispatcherBuilder;
    ///
    /// struct App {
    ///     name: String,
    /// }
    ///
    /// /// Registers the handlers of one module, before the state exists.
    /// fn fallback(builder: DispatcherBuilder<Arc<App>>) -> DispatcherBuilder<Arc<App>> {
    ///     builder.fallback_with(|app: Arc<App>, event| async move {
    ///         println!("{} does not know {}", app.name, event.header.event_type);
    ///     })
    /// }
    ///
    /// let app = Arc::new(App { name: "tea".to_owned() });
    /// let dispatcher = fallback(Dispatcher::builder()).with_state(app).build()?;
    /// # Ok::<(), lark_events::error::BuildError>(())
    /// ```
    pub fn with_state(self, state: S) -> DispatcherBuilder<S, HasState<S>> {
        DispatcherBuilder {
            state: HasState(state),
            registered: self.registered,
        }
    }
}

impl DispatcherBuilder {
    /// Builds the dispatcher.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when an event type or the fallback is registered twice, or a callback is in a set
    /// or ignored.
    pub fn build(self) -> Result<Dispatcher, BuildError> {
        self.registered.build(&())
    }
}

impl<S> DispatcherBuilder<S, HasState<S>> {
    /// Replaces the state for the handlers that follow. Earlier handlers keep their state.
    pub fn with_state<T>(self, state: T) -> DispatcherBuilder<T, HasState<T>> {
        let HasState(old) = self.state;
        DispatcherBuilder {
            state: HasState(state),
            registered: self.registered.bind(&old),
        }
    }

    /// Builds the dispatcher.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when an event type or the fallback is registered twice, or a callback is in a set
    /// or ignored.
    pub fn build(self) -> Result<Dispatcher, BuildError> {
        let HasState(state) = self.state;
        self.registered.build(&state)
    }
}

fn raw_with<S: Clone + Send + Sync + 'static>(
    handler: impl HandlerWith<S, RawJson, Return: IntoReply<RawReply>>,
) -> Registration<S> {
    let handler = Arc::new(handler);
    Registration::waiting(move |state: &S| {
        let (handler, state) = (Arc::clone(&handler), state.clone());
        erase_raw(move |event| handler(state.clone(), event))
    })
}

/// Whether a type is a callback in any of its envelopes.
fn is_never_an_event(event_type: &str) -> bool {
    let names_its_domain = event_type.contains('.');
    names_its_domain && DeliveryKind::of(event_type, Schema::V2) == DeliveryKind::Callback
}

// A derived impl would require `S: Clone`.
impl<S, P: Clone> Clone for DispatcherBuilder<S, P> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            registered: self.registered.clone(),
        }
    }
}

impl<S, P> fmt::Debug for DispatcherBuilder<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event_types: Vec<_> = self.registered.event_types().collect();
        f.debug_struct("DispatcherBuilder")
            .field("event_types", &event_types)
            .field("fallback", &self.registered.has_fallback())
            .field("unhandled", &self.registered.unhandled)
            .finish_non_exhaustive()
    }
}

/// Omits the state, which may hold secrets.
impl<S> fmt::Debug for HasState<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HasState").finish_non_exhaustive()
    }
}
