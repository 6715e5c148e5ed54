//! When a background step in the lab counts as ready: by its own ports and files, not this machine's.

use crate::own;
use crate::support::step;

#[test]
fn a_background_step_in_a_guest_is_awaited_by_the_guests_own_port_and_file() {
    let Some(tutor) = own::learner("no background step was awaited there") else {
        return;
    };
    // A listener on this machine says nothing of the guest.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let kernel = |id: &str, script: &str| step(&format!("{id} on=kernel compare=none"), script);
    let server = format!("nc -l -p {port}");
    let tutor = tutor.lesson(
        kernel("file background until=file:it's", "sleep 1; : >\"it's\"; sleep 1000")
            + &kernel("port background until=port:PORT", &format!("sleep 1; {server}"))
                .replace("PORT", &port.to_string())
            // The first server still waits for its one connection.
            + &kernel("taken background until=port:PORT", &server)
                .replace("PORT", &port.to_string())
            + &kernel("ends background until=port:1", "exit 3")
            + &kernel("last", "echo the last"),
    );
    let ran = tutor.run("run demo").code(1);
    ran.stdout_has("file is ready and goes on")
        .stdout_has("port is ready and goes on")
        .stdout_has(&format!("something listens on port {port} already"))
        .stdout_has("ends: exit status 3, expected 0")
        .stdout_has("the last")
        // The probes of readiness are no leftovers of the lesson.
        .stdout_lacks("proc/net");
}
