//! The options of a declaration, made by an attribute, a scope or the builder.

use std::{borrow::Cow, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, dev::ResponseHead};
use limiter_core::{Key, OnStoreError, Quota, Strategy};

use super::{
    cost::{Cost, IntoCost},
    function::{Function, ResponseFn},
    meta::MetaLimit,
    record::{CostRecord, LimitRecord, MessageRecord, checked_quotas},
};
use crate::{
    identify::KeyBy,
    limit::{Breach, IntoBreachResponse},
};

/// The options of one declaration: key, cost, conditions, callbacks.
#[derive(Clone)]
pub(crate) struct LimitOptions {
    /// The limit's own key function, if it has one; otherwise the limiter's applies.
    pub(crate) key: Option<Function<Option<Key>>>,
    pub(crate) cost: Cost,
    pub(crate) cost_after: Option<ResponseFn<u64>>,
    pub(crate) per_method: bool,
    /// Upper case; empty for all.
    pub(crate) methods: Vec<Cow<'static, str>>,
    pub(crate) overrides_defaults: bool,
    pub(crate) exempt_when: Option<Function<bool>>,
    pub(crate) deduct_when: Option<ResponseFn<bool>>,
    pub(crate) on_breach: Option<OnBreach>,
    pub(crate) error_message: Option<Message>,
    pub(crate) meta: Vec<MetaLimit>,
    pub(crate) shadow: bool,
    pub(crate) candidate: Vec<Quota>,
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) strategy: Option<Strategy>,
    pub(crate) on_store_error: Option<OnStoreError>,
}

/// A callback for denials by a limit. A response that it returns replaces the default one.
pub(crate) type OnBreach = Arc<dyn Fn(&Breach<'_>) -> Option<HttpResponse> + Send + Sync>;

/// The message of a denial.
#[derive(Clone)]
pub(crate) enum Message {
    Text(Cow<'static, str>),
    Function(Arc<dyn Fn(&Breach<'_>) -> String + Send + Sync>),
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self {
            key: None,
            cost: Cost::Fixed(1),
            cost_after: None,
            per_method: false,
            methods: Vec::new(),
            overrides_defaults: true,
            exempt_when: None,
            deduct_when: None,
            on_breach: None,
            error_message: None,
            meta: Vec::new(),
            shadow: false,
            candidate: Vec::new(),
            name: None,
            strategy: None,
            on_store_error: None,
        }
    }
}

/// The setters that all builders share.
impl LimitOptions {
    pub(crate) fn set_key(&mut self, key: impl KeyBy + Send + Sync + 'static) {
        self.key = Some(key_function(key));
    }

    pub(crate) fn set_cost<F>(&mut self, cost: impl IntoCost<F>) {
        self.cost = cost.into_cost().0;
    }

    pub(crate) fn set_exempt_when(
        &mut self,
        exempt: impl Fn(&HttpRequest) -> bool + Send + Sync + 'static,
    ) {
        self.exempt_when = Some(Function::Given(Arc::new(exempt)));
    }

    pub(crate) fn set_deduct_when(
        &mut self,
        deduct: impl Fn(&ResponseHead) -> bool + Send + Sync + 'static,
    ) {
        self.deduct_when = Some(Arc::new(deduct));
    }

    pub(crate) fn set_on_breach<R: IntoBreachResponse>(
        &mut self,
        callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
    ) {
        self.on_breach = Some(on_breach(callback));
    }
}

/// A key, in the form that declarations keep.
pub(crate) fn key_function(key: impl KeyBy + Send + Sync + 'static) -> Function<Option<Key>> {
    Function::Given(Arc::new(move |request: &HttpRequest| key.key(request)))
}

/// A callback, in the form that declarations keep.
pub(crate) fn on_breach<R: IntoBreachResponse>(
    callback: impl Fn(&Breach<'_>) -> R + Send + Sync + 'static,
) -> OnBreach {
    Arc::new(move |breach: &Breach<'_>| callback(breach).into_breach_response())
}

impl From<&LimitRecord> for LimitOptions {
    fn from(record: &LimitRecord) -> Self {
        Self {
            key: record.key.map(Function::Declared),
            cost: match record.cost {
                CostRecord::Fixed(cost) => Cost::Fixed(cost),
                CostRecord::Function(function) => Cost::Function(function.into()),
            },
            cost_after: record.cost_after.map(|function| Arc::new(function) as ResponseFn<u64>),
            per_method: record.per_method,
            methods: record.methods.iter().copied().map(Cow::Borrowed).collect(),
            overrides_defaults: record.override_defaults,
            exempt_when: record.exempt_when.map(Function::Declared),
            deduct_when: record.deduct_when.map(|function| Arc::new(function) as ResponseFn<bool>),
            on_breach: record.on_breach.map(|callback| Arc::new(callback) as OnBreach),
            error_message: record.error_message.map(|message| match message {
                MessageRecord::Text(text) => Message::Text(Cow::Borrowed(text)),
                MessageRecord::Function(function) => Message::Function(Arc::new(function)),
            }),
            meta: record.meta.iter().map(|meta| (*meta).clone()).collect(),
            shadow: record.shadow,
            candidate: record.candidate.map_or_else(Vec::new, checked_quotas),
            name: record.name.map(Cow::Borrowed),
            strategy: record.strategy,
            on_store_error: record.on_store_error,
        }
    }
}
