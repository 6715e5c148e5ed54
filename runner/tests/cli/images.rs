//! The files that a lesson shows and links to, in the book.

use super::*;

/// Enough of a picture for a browser to know it by.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><title>a drawing</title></svg>\n";

/// A course whose lesson has this prose, with files to show.
fn course(prose: &str) -> Tutor {
    let tutor = Tutor::new().lesson(prose);
    let pictures = tutor.path("course/lessons/pictures");
    fs::create_dir_all(&pictures).expect("writable");
    fs::write(pictures.join("a b.png"), PNG).expect("writable");
    fs::write(pictures.join("map.svg"), SVG).expect("writable");
    fs::write(pictures.join("bytes.bin"), b"\xff\xfe\0").expect("writable");
    tutor
}

fn emit(tutor: &Tutor, more: &str) -> Ran {
    tutor.run(&format!(
        "book --emit {} {more}",
        tutor.path("tree").display()
    ))
}

/// The images of the emitted book, by name.
fn images(tutor: &Tutor) -> Vec<String> {
    let Ok(found) = fs::read_dir(tutor.path("tree/src/images")) else {
        return Vec::new();
    };
    let names = found.map(|one| one.expect("readable").file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("text")).collect();
    names.sort();
    names
}

#[test]
fn an_image_beside_the_lesson_is_in_the_book_however_it_is_written() {
    let tutor = course(
        "![one](pictures/a%20b.png \"t\") ![two][m] [see](pictures/a%20b.png)\n\n\
         A <img src=\"pictures/map.svg\" alt=\"three\"> within.\n\n\
         <p>\n<img src='./pictures/map.svg'\n  alt=\"four\">\n</p>\n\n\
         <!-- <img src=\"gone.png\"> -->\n\n[m]: pictures/map.svg\n",
    );
    emit(&tutor, "").code(0);
    let images = images(&tutor);
    let [one, other] = &images[..] else {
        panic!("{images:?}");
    };
    let (png, svg) = match one.ends_with(".png") {
        true => (one, other),
        false => (other, one),
    };
    assert!(png.ends_with(".png") && svg.ends_with(".svg"), "{images:?}");
    let page = tutor.get("tree/src/demo.md");
    for shown in [
        format!("![one](images/{png}) ![two](images/{svg}) [see](images/{png})"),
        format!("A <img src=\"images/{svg}\" alt=\"three\"> within."),
        format!("<img src='images/{svg}'\n  alt=\"four\">"),
    ] {
        assert!(page.contains(&shown), "{shown}: {page}");
    }
    let copied = fs::read(tutor.path("tree/src/images").join(png)).expect("readable");
    assert_eq!(copied, PNG);
    let copied = fs::read_to_string(tutor.path("tree/src/images").join(svg)).expect("readable");
    assert_eq!(copied, SVG);
}

#[test]
fn a_drawing_that_is_linked_to_is_shown_as_its_text() {
    // Opened by itself a drawing could run scripts; as the source of an image it cannot.
    let tutor =
        course("[the source](pictures/map.svg) and <a href=\"pictures/map.svg\">again</a>\n");
    emit(&tutor, "").code(0);
    assert_eq!(images(&tutor), [""; 0]);
    let page = tutor.get("tree/src/demo.md");
    assert!(
        page.contains("[the source](sources.md#lessons-pictures-map-svg)")
            && page.contains("<a href=\"sources.md#lessons-pictures-map-svg\">again</a>"),
        "{page}"
    );
    assert!(tutor.get("tree/src/sources.md").contains("a drawing"));
}

#[test]
fn a_file_that_the_book_cannot_have_is_an_error_with_its_place() {
    let tutor = course(
        "![a](pictures/gone.png)\n\n[b](pictures/bytes.bin)\n\n[c](pictures)\n\n\
         <img src=\"pictures/bytes.bin\">\n\n[d](../../../x.c)\n\n[e](notes.md)\n\n![f](out.png)\n",
    );
    tutor.put("course/lessons/notes.md", "notes\n");
    let outside = tutor.path("outside.png");
    fs::write(&outside, PNG).expect("writable");
    let link = tutor.path("course/lessons/out.png");
    std::os::unix::fs::symlink(&outside, link).expect("writable");
    let refused = emit(&tutor, "");
    let refused = refused
        .code(1)
        .stderr_has("lessons/demo.md:")
        .stderr_has("the book cannot show `pictures/gone.png`: there is no such file")
        .stderr_has("the book cannot show `pictures/bytes.bin`: it is not UTF-8 text")
        .stderr_has("the book cannot show `pictures`: it is no regular file")
        .stderr_has("the book cannot show `pictures/bytes.bin`: it is no image that books have")
        .stderr_has("the book cannot show `../../../x.c`: it lies outside of the course")
        .stderr_has("the book cannot show `notes.md`: it is no page of this course")
        .stderr_has("the book cannot show `out.png`: it lies outside of the course");
    drop(refused);
    assert!(!tutor.path("tree").exists());
    emit(&tutor, "--allow-missing").code(0);
    assert_eq!(images(&tutor), [""; 0]);
    let page = tutor.get("tree/src/demo.md");
    assert!(!page.contains("pictures/"), "{page}");
}

#[test]
fn an_image_without_end_is_an_error() {
    let tutor = course("![a](pictures/long.png)\n");
    let file = fs::File::create(tutor.path("course/lessons/pictures/long.png")).expect("writable");
    file.set_len(17 << 20).expect("writable");
    emit(&tutor, "")
        .code(1)
        .stderr_has("the book cannot show `pictures/long.png`: it is longer than 16 MiB");
}

#[test]
fn check_names_html_whose_file_is_not_there() {
    let tutor = course("A <img src=\"pictures/gone.png\">.\n\n<p>\n<a href='gone.md'>b</a></p>\n");
    tutor
        .run("check")
        .code(0)
        .stdout_has("there is no file `lessons/pictures/gone.png`")
        .stdout_has("there is no page `lessons/gone.md`");
}

#[test]
fn check_names_each_file_that_the_book_cannot_have() {
    let tutor = course(
        "![a](pictures/long.png) ![b](pictures/fifo.png) ![c](pictures/dir.png)\n\n\
         [d](pictures/bytes.bin) <img src=\"pictures/bytes.bin\"> [e](pictures)\n",
    );
    let pictures = tutor.path("course/lessons/pictures");
    let file = fs::File::create(pictures.join("long.png")).expect("writable");
    file.set_len(17 << 20).expect("writable");
    let mode = nix::sys::stat::Mode::S_IRWXU;
    nix::unistd::mkfifo(&pictures.join("fifo.png"), mode).expect("a FIFO");
    fs::create_dir(pictures.join("dir.png")).expect("writable");
    for (line, code) in [("check", 0), ("book --emit tree", 1)] {
        let ran = tutor.run(line).code(code);
        for says in [
            "the book cannot show `pictures/long.png`: it is longer than 16 MiB",
            "the book cannot show `pictures/fifo.png`: it is no regular file",
            "the book cannot show `pictures/dir.png`: it is no regular file",
            "the book cannot show `pictures/bytes.bin`: it is not UTF-8 text",
            "the book cannot show `pictures/bytes.bin`: it is no image that books have",
            "the book cannot show `pictures`: it is no regular file",
        ] {
            assert!(ran.told().contains(says), "{line}: {says}: {}", ran.told());
        }
    }
}

#[test]
fn the_words_of_what_the_book_cannot_have_stand_there_without_it() {
    let tutor = course(
        "A <img src=\"gone.png\" alt=\"dr*awi*ng &amp; 1\" width=\"3\"> and ![o *t*](gone.png).\n\n\
         Words <a title=\"t\" href='gone.c'>here</a>, [there](gone.c), <a href=\"gone.c\">*more*</a>.\n\n\
         <p>\nB <img src=\"gone.png\" alt=\"in _a_ block\">.\n<img src=\"gone.png\">\n</p>\n",
    );
    emit(&tutor, "--allow-missing").code(0);
    let page = tutor.get("tree/src/demo.md");
    for shown in [
        "A dr&#42;awi&#42;ng &amp; 1 and o *t*.\n",
        "Words <a title=\"t\">here</a>, there, <a>*more*</a>.\n",
        "<p>\nB in &#95;a&#95; block.\n\n</p>\n",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("<img") && !page.contains("href"), "{page}");
}
