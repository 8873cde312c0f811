// Who is signed in already goes on: a link from another site comes without the cookie, and what this page asks comes with it.

const answer = await fetch("session").catch(() => null);
if (answer?.ok) location.replace("./");
