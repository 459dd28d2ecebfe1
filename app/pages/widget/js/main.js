window.sc = window.sc || function () {};
