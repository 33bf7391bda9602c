//! Serves the app of a name with one worker until its standard input is closed.

use std::io::{self, Read};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse},
};
use limiter_bench::apps::{WithApp, with_app};

#[actix_web::main]
async fn main() -> io::Result<()> {
    let name = std::env::args().nth(1).expect("the name of an app");
    let server = with_app(&name, Serve)?;
    let handle = server.handle();
    let closed = actix_web::rt::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    actix_web::rt::spawn(async move {
        // However it ends, it has ended.
        let _ = closed.await;
        handle.stop(false).await;
    });
    server.await
}

struct Serve;

impl WithApp for Serve {
    type Output = io::Result<Server>;

    fn with<F, T, B>(self, app: F) -> io::Result<Server>
    where
        F: Fn() -> App<T> + Send + Clone + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let server = HttpServer::new(app).workers(1).bind("127.0.0.1:0")?;
        println!("{}", server.addrs()[0]);
        Ok(server.run())
    }
}
