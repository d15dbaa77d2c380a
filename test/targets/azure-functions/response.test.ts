import { expect, test } from "vitest";
import { toCookie, toResponseInit } from "#targets/azure-functions/response.ts";

test("toCookie reads every attribute, whatever its case", () => {
  expect(
    toCookie(
      "sid=a%20b=c; Domain=example.com; PATH=/x; Max-Age=60; Secure; HttpOnly; samesite=lax; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
    ),
  ).toEqual({
    name: "sid",
    value: "a b=c",
    domain: "example.com",
    path: "/x",
    maxAge: 60,
    secure: true,
    httpOnly: true,
    sameSite: "Lax",
    expires: new Date("2026-10-21T07:28:00Z"),
  });
});
test("toCookie leaves out what it cannot read", () => {
  expect(toCookie("a=%zz; Max-Age=soon; Expires=never; SameSite=sometimes; Else")).toEqual({
    name: "a",
    value: "%zz",
  });
  expect(toCookie("a")).toEqual({ name: "a", value: "" });
});
test("toResponseInit takes cookies out of the headers and keeps the rest", () => {
  const headers = new Headers([
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2"],
    ["x-one", "1"],
  ]);
  const init = toResponseInit(new Response(null, { status: 204, headers }));
  expect(init.status).toBe(204);
  expect(init.cookies?.map(({ name }) => name)).toEqual(["a", "b"]);
  expect([...(init.headers as Headers)]).toEqual([["x-one", "1"]]);
  expect(init.body).toBeUndefined();
});
