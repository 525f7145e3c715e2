//! A browser without a script: it resolves links, sends forms, and follows redirects.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use lark_events_inbox::console::Console;
use tower::ServiceExt as _;

/// An app, and the path of the page in it.
#[derive(Clone)]
pub(crate) struct Browser {
    app: Router,
    path: String,
    pub(crate) headers: HeaderMap,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// Where it came from, after redirects.
    pub(crate) url: String,
}

/// A form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) method: String,
    /// The fields that are sent whichever button is used.
    pub(crate) fields: Vec<(String, String)>,
    /// The name and the value of each button.
    pub(crate) buttons: Vec<(String, String)>,
    pub(crate) boxes: Vec<(String, String)>,
}

impl Browser {
    /// The console is all of the app.
    pub(crate) fn alone(console: Console) -> Self {
        Self::at(Router::new().fallback_service(console), "/")
    }

    pub(crate) fn at(app: Router, path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("host", "app.example".parse().unwrap());
        headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
        Self {
            app,
            path: path.to_owned(),
            headers,
        }
    }

    pub(crate) async fn get(&self, link: &str) -> Answer {
        self.request(Method::GET, link, String::new()).await
    }

    pub(crate) async fn post(&self, fields: &[(&str, &str)]) -> Answer {
        let body = lark_events_pages::query(fields);
        self.request(Method::POST, "?", body).await
    }

    /// Sends a form, with the button of an action.
    pub(crate) async fn send(&self, form: &Form, action: &str) -> Answer {
        let button = form.buttons.iter().find(|(_, value)| value == action);
        let fields = form.fields.iter().chain(button);
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        match form.method.as_str() {
            "post" => self.post(&fields).await,
            _ => {
                let link = format!("?{}", lark_events_pages::query(&fields));
                self.get(&link).await
            }
        }
    }

    /// Looks again until an action has ended.
    pub(crate) async fn ended(&self, mut answer: Answer) -> Answer {
        for _ in 0..1_000 {
            if !answer.text.contains("In progress") {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            answer = self.get(&answer.url).await;
        }
        panic!("the action did not end: {answer:?}");
    }

    pub(crate) async fn once(&self, method: Method, link: &str, body: String) -> Answer {
        assert!(
            link.is_empty() || link.starts_with('?'),
            "{link} is relative to the page"
        );
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{link}", self.path));
        request.headers_mut().unwrap().extend(self.headers.clone());
        if !self.headers.contains_key("content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
            url: link.to_owned(),
        }
    }

    async fn request(&self, method: Method, link: &str, body: String) -> Answer {
        let mut answer = self.once(method, link, body).await;
        for _ in 0..5 {
            if answer.status != StatusCode::SEE_OTHER {
                return answer;
            }
            let link = answer.headers["location"].to_str().unwrap().to_owned();
            answer = self.once(Method::GET, &link, String::new()).await;
        }
        panic!("too many redirects: {answer:?}");
    }
}

impl Answer {
    /// The values of an attribute, unescaped.
    pub(crate) fn attributes(&self, name: &str) -> Vec<String> {
        attributes(&self.text, name)
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        let forms = self.text.split("<form ").skip(1);
        let forms = forms.map(|form| form.split("</form>").next().unwrap());
        forms.map(Form::read).collect()
    }

    /// The form that has a button with this value.
    pub(crate) fn form_with(&self, action: &str) -> Form {
        let mut forms = self.forms().into_iter();
        let has = |form: &Form| form.buttons.iter().any(|(_, value)| value == action);
        let form = forms.find(has);
        form.unwrap_or_else(|| panic!("no button {action} in {}", self.text))
    }

    /// The form with a field of this name and value.
    pub(crate) fn form_of(&self, name: &str, value: &str) -> Form {
        let mut forms = self.forms().into_iter();
        let field = (name.to_owned(), value.to_owned());
        let form = forms.find(|form| form.fields.contains(&field));
        form.unwrap_or_else(|| panic!("no field {field:?} in {}", self.text))
    }
}

impl Form {
    fn read(html: &str) -> Self {
        let tags = |name: &'static str| {
            let tags = html.split('<').filter(move |tag| tag.starts_with(name));
            tags.map(|tag| tag.split('>').next().unwrap())
        };
        let value = |tag: &str, name: &str| attributes(tag, name).first().cloned();
        let pair = |tag: &str| {
            let name = value(tag, "name")?;
            Some((name, value(tag, "value").unwrap_or_default()))
        };
        let is_box = |tag: &&str| tag.contains("type=\"checkbox\"");
        Self {
            method: value(html.split('>').next().unwrap(), "method").unwrap_or_default(),
            fields: tags("input")
                .filter(|tag| !is_box(tag))
                .filter_map(pair)
                .collect(),
            buttons: tags("button").filter_map(pair).collect(),
            boxes: tags("input").filter(is_box).filter_map(pair).collect(),
        }
    }
}

fn attributes(html: &str, name: &str) -> Vec<String> {
    let begins = format!(" {name}=\"");
    let values = html.split(&begins).skip(1);
    let values = values.map(|value| value.split('"').next().unwrap());
    let unescaped = values.map(|value| {
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    });
    unescaped.collect()
}
