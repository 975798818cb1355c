//! What the server is asked about sharing (docs/http.md).

use driftless_leptos::RealtimeContext;
use driftless_protocol::access::{
    AccessList, HttpAnswer, HttpRefusal, MadeAccess, NewAccess, NewRole,
};
use driftless_protocol::{DecodeError, to_json};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

use crate::browser;
use crate::visitor::Visitor;

/// Where the access to a board is asked for, and by whom.
#[derive(Clone)]
pub struct Access {
    /// The board.
    board: String,
    /// What they came with; without it the server says what to do.
    token: Option<String>,
}

impl Access {
    /// Of this page's board, for its visitor.
    pub fn new(realtime: RealtimeContext, visitor: Visitor) -> Self {
        Self {
            // The page of an address that names no board does not come this far.
            board: realtime
                .board()
                .id()
                .map_or_else(|_| String::new(), ToString::to_string),
            token: visitor.secret(),
        }
    }

    /// Who has a role on the board. Errors are for the person.
    pub async fn list(&self) -> Result<AccessList, String> {
        let answer = self.ask("GET", "", None).await?;
        AccessList::from_message_pack(&answer).map_err(not_ours)
    }

    /// Makes a token.
    pub async fn make(&self, new: &NewAccess) -> Result<MadeAccess, String> {
        let answer = self.ask("POST", "", Some(&to_json(new))).await?;
        MadeAccess::from_message_pack(&answer).map_err(not_ours)
    }

    /// Revokes one.
    pub async fn revoke(&self, number: u64) -> Result<(), String> {
        let below = format!("/{number}");
        self.ask("DELETE", &below, None).await.map(drop)
    }

    /// Gives a person another role.
    pub async fn change(&self, new: &NewRole) -> Result<(), String> {
        let asked = self.ask("PUT", "/role", Some(&to_json(new))).await;
        asked.map(drop)
    }

    /// The link of a token. The secret is in its fragment, which browsers send to no server.
    pub fn link(&self, made: &MadeAccess) -> String {
        let origin = browser::window().location().origin().unwrap_or_default();
        let (base, board) = (browser::base_path(), &self.board);
        format!("{origin}{base}b/{board}#token={}", made.token)
    }

    async fn ask(&self, method: &str, below: &str, body: Option<&str>) -> Result<Vec<u8>, String> {
        let (base, board) = (browser::base_path(), &self.board);
        let path = format!("{base}api/boards/{board}/access{below}");
        let init = self.init(method, body);
        let answered = answer(&path, &init).await;
        let (status, body) = answered.map_err(|_| {
            "The server cannot be reached. Try again once it is connected.".to_owned()
        })?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        Err(match HttpRefusal::from_message_pack(&body) {
            Ok(refusal) => refusal.detail,
            Err(_) => plain(status, body),
        })
    }

    fn init(&self, method: &str, body: Option<&str>) -> RequestInit {
        let init = RequestInit::new();
        init.set_method(method);
        if let Some(body) = body {
            init.set_body(&JsValue::from_str(body));
        }
        let headers = js_sys::Object::new();
        // Only a frozen object refuses it, and this one is new.
        let set = |name: &str, value: &str| Reflect::set(&headers, &name.into(), &value.into());
        let _ = set("accept", HttpRefusal::MESSAGE_PACK);
        if let Some(token) = &self.token {
            let _ = set("authorization", &format!("Bearer {token}"));
        }
        init.set_headers(&headers);
        init
    }
}

/// What a proxy says, or the server to somebody whom it does not know.
fn plain(status: u16, body: Vec<u8>) -> String {
    let text = String::from_utf8(body).ok();
    let text = text.filter(|text| !text.is_empty() && !text.contains('<'));
    text.unwrap_or_else(|| format!("The server answered with status {status}."))
}

async fn answer(path: &str, init: &RequestInit) -> Result<(u16, Vec<u8>), JsValue> {
    let response = browser::window().fetch_with_str_and_init(path, init);
    let response: Response = JsFuture::from(response).await?.dyn_into()?;
    let body = JsFuture::from(response.array_buffer()?).await?;
    Ok((response.status(), Uint8Array::new(&body).to_vec()))
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn not_ours(_: DecodeError) -> String {
    "The answer is not what this page expects. Reload it; its server may be newer.".to_owned()
}
