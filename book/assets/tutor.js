// What is folded is unfolded for printing, and where a link leads to it. The book reads well without this.
(function () {
    'use strict';

    let closed = [];
    window.addEventListener('beforeprint', function () {
        closed = Array.from(document.querySelectorAll('details:not([open])'));
        closed.forEach(function (details) { details.open = true; });
    });
    window.addEventListener('afterprint', function () {
        closed.forEach(function (details) { details.open = false; });
    });

    function unfold() {
        let id;
        try { id = decodeURIComponent(location.hash.slice(1)); } catch (e) { return; }
        const target = id && document.getElementById(id);
        if (target && target.matches('details')) {
            target.open = true;
        }
    }
    // mdBook turns the page at an arrow key wherever the focus is: inside an output it scrolls.
    window.addEventListener('keydown', function (event) {
        const isArrow = event.key === 'ArrowLeft' || event.key === 'ArrowRight';
        if (isArrow && event.target instanceof Element && event.target.closest('pre, details')) {
            event.stopPropagation();
        }
    }, true);

    window.addEventListener('hashchange', unfold);
    unfold();
})();
