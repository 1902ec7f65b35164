//! A sandbox with its pages, and a browser without JavaScript: it follows redirects and submits only forms that the page
//! has.

use std::net::SocketAddr;
use std::sync::Arc;

use identkit_console::Console;
use identkit_mock_server::server::{self, Listener};
use identkit_mock_server::{Sandbox, VirtualClock, Worlds};
use identkit_testkit::{call, pause};
use serde_json::{Value, json};

const CREDENTIALS: &str = "Authorization: Basic c2FuZGJveC1jdXN0b21lcjpzYW5kYm94LWNvZGU=\r\n";
const PARTNER: &str = "X-API-PARTNER: 911-internet\r\nX-API-TOKEN: ";

/// A sandbox whose vendors' listener serves the pages.
pub(crate) struct Site {
    pub(crate) sandbox: Sandbox,
    pub(crate) listener: Listener,
}

impl Site {
    pub(crate) async fn start() -> Self {
        let clock = VirtualClock::new("2020-09-10T12:00:00Z".parse().unwrap());
        let builder = Sandbox::builder().clock(clock).seed(7).pages(Arc::new(Console::new()));
        let sandbox = builder.start();
        let listener = server::vendors(&Worlds::from(&sandbox), "127.0.0.1:0".parse().unwrap(), None).await.unwrap();
        Self { sandbox, listener }
    }

    /// Places an order with a link, and these elements. Returns its id and the path of its landing page.
    pub(crate) async fn place(&self, more: Value) -> (String, String) {
        let mut order = json!({
            "Ref": "ref-1", "Product": 12, "Add": 0, "getTargetLink": true, "Email": "e.mustermann@example.com",
            "Mobile": "+491701234567",
            "Address": { "Firstname": "Erika", "Surname": "Mustermann", "Country": "DE" },
        });
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers = format!("{CREDENTIALS}Content-Type: application/json\r\n");
        let (status, _, body) =
            call(self.listener.address(), "PUT", "/api/2.10/putOrder", &headers, &order.to_string()).await;
        assert_eq!(status, 202, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let url = answer["TargetURL"].as_str().unwrap();
        let path = url.strip_prefix("http://localhost").unwrap_or_else(|| panic!("{url}")).to_owned();
        (answer["OrderID"].as_str().unwrap().to_owned(), path)
    }

    /// Creates an ident, and returns its id and the path of its landing page.
    pub(crate) async fn create(&self) -> (String, String) {
        let [partner, key] = self.sandbox.credentials("identify24");
        let login = json!({ "PARTNER": partner, "APIKEY": key }).to_string();
        let (_, _, body) = call(self.listener.address(), "POST", "/auth", "", &login).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        let token = answer["token"].as_str().or_else(|| answer["TOKEN"].as_str()).unwrap_or_else(|| panic!("{body}"));
        let ident = identkit_testkit::fixture("identify24", "S-011-ident-create-request.json");
        let ident = String::from_utf8(ident).unwrap();
        let headers = format!("{PARTNER}{token}\r\nContent-Type: application/json\r\n");
        let (status, _, body) = call(self.listener.address(), "POST", "/ident/create", &headers, &ident).await;
        assert_eq!(status, 200, "{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let url = answer["conference_url"].as_str().unwrap();
        (answer["ident_id"].as_str().unwrap().to_owned(), url.strip_prefix("http://localhost").unwrap().to_owned())
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) -> Browser {
        self.open_as(path, "").await
    }

    /// Opens a page with additional header lines.
    pub(crate) async fn open_as(&self, path: &str, headers: &str) -> Browser {
        let mut browser =
            Browser { address: self.listener.address(), headers: headers.to_owned(), path: path.to_owned(), ..EMPTY };
        browser.get(path).await;
        browser
    }
}

const EMPTY: Browser = Browser {
    address: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0),
    headers: String::new(),
    path: String::new(),
    status: 0,
    head: String::new(),
    body: String::new(),
    left_to: None,
};

/// A browser with one page.
pub(crate) struct Browser {
    address: SocketAddr,
    headers: String,
    /// Path and query of the page.
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// The URL of another site to which the page has led.
    pub(crate) left_to: Option<String>,
}

impl Browser {
    /// Reads a page, and follows its redirects and refreshes, up to another site.
    pub(crate) async fn get(&mut self, path: &str) {
        self.request("GET", path, "").await;
        for _ in 0..200 {
            if let Some(to) = self.header("location") {
                if !to.starts_with('/') {
                    self.left_to = Some(to);
                    return;
                }
                self.request("GET", &to, "").await;
            } else if let Some((seconds, to)) = self.refresh() {
                if seconds > 0 {
                    pause(std::time::Duration::from_millis(20)).await;
                }
                self.request("GET", &to, "").await;
            } else {
                return;
            }
        }
        panic!("the page never ends: {}", self.body);
    }

    pub(crate) async fn request(&mut self, method: &str, path: &str, form: &str) {
        let media = if form.is_empty() { "" } else { "Content-Type: application/x-www-form-urlencoded\r\n" };
        let headers = format!("{}{media}", self.headers);
        (self.status, self.head, self.body) = call(self.address, method, path, &headers, form).await;
        self.path = path.to_owned();
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
    }

    /// Seconds and URL of a refresh.
    pub(crate) fn refresh(&self) -> Option<(u32, String)> {
        let (_, rest) = self.body.split_once("http-equiv=\"refresh\" content=\"")?;
        let (seconds, url) = rest.split_once('"')?.0.split_once("; url=")?;
        Some((seconds.parse().unwrap(), url.replace("&amp;", "&")))
    }

    pub(crate) fn step(&self) -> &str {
        self.between("data-step=\"", "\"")
    }

    pub(crate) fn title(&self) -> &str {
        self.between("<h1>", "</h1>")
    }

    pub(crate) fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.body.split_once(before).unwrap_or_else(|| panic!("no {before}: {}", self.body));
        rest.split_once(after).unwrap().0
    }

    /// Submits the form that has all these fields.
    pub(crate) async fn submit(&mut self, fields: &[(&str, &str)]) {
        let forms = self.body.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap());
        let fits = |form: &&str| {
            fields.iter().all(|(name, value)| {
                let has_value = format!("name=\"{name}\" value=\"{value}\"");
                form.contains(&has_value) || (*name == "tan" && form.contains("name=\"tan\" inputmode"))
            })
        };
        let form = forms.clone().find(fits).unwrap_or_else(|| panic!("no form with {fields:?}: {}", self.body));
        let (_, rest) = form.split_once("action=\"").unwrap();
        let action = rest.split_once('"').unwrap().0.replace("&amp;", "&");
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.request("POST", &action, &fields.join("&")).await;
        assert_eq!(self.status, 303, "{}", self.body);
        let to = self.header("location").unwrap();
        assert!(to.starts_with("/status/") || to.starts_with("/apply/"), "a form never leaves the host: {to}");
        self.get(&to).await;
    }

    pub(crate) async fn choose(&mut self, method: &str) {
        self.submit(&[("action", "choose"), ("method", method)]).await;
        assert_eq!(self.step(), "consent", "{method}");
        self.submit(&[("action", "consent"), ("agree", "yes")]).await;
    }

    pub(crate) async fn press(&mut self, action: &str) {
        self.submit(&[("action", action)]).await;
    }

    /// Reads the newest TAN on the phone, and enters it.
    pub(crate) async fn enter_tan(&mut self) {
        let path = self.path.split('?').next().unwrap().to_owned();
        let mut phone = Self { address: self.address, headers: self.headers.clone(), ..EMPTY };
        phone.get(&format!("{path}/phone")).await;
        let tan = phone.between("<strong class=\"tan\">", "</strong>").to_owned();
        self.submit(&[("action", "tan"), ("tan", &tan)]).await;
    }

    /// Goes on until the identification is over.
    pub(crate) async fn identify_by(&mut self, method: &str) {
        self.choose(method).await;
        while self.left_to.is_none() {
            match self.step() {
                "waiting" => self.press("enter").await,
                "call" | "identify" => self.press("pass").await,
                "tan" => self.enter_tan().await,
                _ => return,
            }
        }
    }
}
