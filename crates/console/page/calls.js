// What the page asks of the service. A refusal leads to where one signs in.

let session = { may_act: false };

/** What went wrong, in the service's words. */
async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  return new Error(problem.detail ?? `The service answered ${answer.status}.`);
}

async function answered(answer) {
  if (answer.status === 401 && session.can_sign_out !== false) location.replace("sign-in");
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** Learns what may be done here. */
export async function open() {
  session = await answered(await fetch("session", { cache: "no-store" }));
  return session;
}

export const mayAct = () => session.may_act;

export const read = async (path) => answered(await fetch(path, { cache: "no-store" }));

/** Has the service do something; returns what came of it. */
export async function act(path) {
  return answered(await fetch(path, { method: "POST", headers: { "x-csrf-token": session.csrf_token ?? "" } }));
}
