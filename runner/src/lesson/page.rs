//! The page that `tutor new` begins with.

/// A lesson page that passes `tutor check`, with one of everything a lesson needs.
pub fn new_page(stem: &str) -> String {
    PAGE.replace("STEM", stem)
}

const PAGE: &str = r##"---
format: 1
name: STEM  # permanent: snapshots and progress go by it, so choose a word that says what it is about
title: A new lesson
goals:
  - say what the learner can do afterwards
time: 10 min
---
# A new lesson

Say first what will happen and why it is worth seeing.
A fence with `file=` writes a file into the learner's workspace:

```c {file=hello.c}
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	printf("hello from pid %d\n", getpid());
	return 0;
}
```

A fence with `id=` is a step: it runs for real, and its output is compared with the accepted snapshot.

```sh {id=build}
cc -o hello hello.c
```

What differs from run to run is masked by name, and what a mask hides, a check claims.
<!-- Other masks: prog-id map-id btf-id link-id time tag trace source-line. Addresses are always masked. -->

```sh {id=run mask=pid}
./hello
```

[The program says hello exactly once](#check-one-hello), whatever its process is called.

```sh {check=one-hello of=run expect=1}
grep -c '^hello from pid [0-9][0-9]*$' "$TUTOR_STDOUT"
```
"##;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::parse::read;
    use std::path::Path;

    #[test]
    fn a_new_page_has_nothing_to_mend() {
        let page = new_page("lesson-11");
        let reading = read(
            "lesson-11",
            Path::new("lessons/lesson-11.md"),
            &page,
            &|_| Err(crate::lesson::NotIncluded::Missing),
        );
        assert_eq!(reading.diagnostics, []);
        assert_eq!(reading.lints, []);
        assert_eq!(reading.lesson.front.name, "lesson-11");
        assert_eq!(reading.lesson.steps().count(), 2);
    }
}
