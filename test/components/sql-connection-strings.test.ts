import { describe, expect, test } from "vitest";
import { readConnectionString as readMysql } from "#components/mysql/connection-string.ts";
import { coordination as mysql } from "#components/mysql/manifest.ts";
import { readSettings as readMysqlSettings } from "#components/mysql/settings.ts";
import { readConnectionString as readPostgres } from "#components/postgresql/connection-string.ts";

describe("PostgreSQL", () => {
  const parsed = (text: string) => {
    const { url, ...rest } = readPostgres(text);
    const { hostname, port, username, pathname, searchParams } = new URL(url);
    return { hostname, port, username, pathname, ...Object.fromEntries(searchParams), ...rest };
  };
  test("a URL goes to the library, with the meaning of sslmode that libpq gives it", () => {
    expect(parsed("postgres://u:p%40ss@db:6432/x?sslmode=require&connect_timeout=3")).toMatchObject(
      {
        hostname: "db",
        port: "6432",
        username: "u",
        pathname: "/x",
        sslmode: "require",
        uselibpqcompat: "true",
        where: "PostgreSQL at db:6432",
        connectTimeoutMs: 3000,
      },
    );
    expect(parsed("postgresql://u:p@/x?host=/var/run/postgresql")).toMatchObject({
      host: "/var/run/postgresql",
      where: "PostgreSQL at /var/run/postgresql:5432",
      connectTimeoutMs: undefined,
    });
  });
  test("keywords and values are those of Dapr's documentation, quoted where they need it", () => {
    const text =
      "host=localhost user=postgres password='it\\'s a \\\\ secret' port=5433 connect_timeout=10 database=my_db";
    expect(parsed(text)).toMatchObject({
      host: "localhost",
      user: "postgres",
      password: "it's a \\ secret",
      port: "5433",
      pathname: "/my_db",
      where: "PostgreSQL at localhost:5433",
      connectTimeoutMs: 10_000,
    });
    expect(parsed("dbname = x  host = h password='' ")).toMatchObject({
      pathname: "/x",
      host: "h",
      password: "",
    });
  });
  test.each(["", "s3cret", "host=h password='s3cret", "postgres://u:s3cret@h:x/", "host=a,b"])(
    "%s is refused, without what it says",
    (text) => {
      expect(() => readPostgres(text)).toThrow(/^connectionString (?!.*s3cret)/);
    },
  );
});

describe("MySQL", () => {
  test("Go's form is read as Go's driver reads it", () => {
    expect(readMysql("user:pass:w@rd/x@tcp(db:3307)/orders?tls=skip-verify&timeout=2s")).toEqual({
      host: "db",
      port: 3307,
      user: "user",
      password: "pass:w@rd/x",
      database: "orders",
      tls: "skip-verify",
      connectTimeoutMs: 2000,
    });
    expect(readMysql("user:password@tcp(localhost:3306)/?allowNativePasswords=true")).toMatchObject(
      {
        host: "localhost",
        port: 3306,
        database: "",
        tls: "off",
        connectTimeoutMs: undefined,
      },
    );
    expect(readMysql("u@tcp([::1]:3308)/x")).toMatchObject({
      host: "::1",
      port: 3308,
      password: "",
    });
    expect(readMysql("u:p@unix(/run/mysqld.sock)/x")).toMatchObject({
      socketPath: "/run/mysqld.sock",
      database: "x",
    });
    expect(readMysql("/")).toMatchObject({ host: "127.0.0.1", port: 3306, user: "" });
  });
  test("a URL is read", () => {
    expect(readMysql("mysql://u:p%40ss@db/orders?ssl-mode=VERIFY_CA")).toMatchObject({
      host: "db",
      port: 3306,
      user: "u",
      password: "p@ss",
      database: "orders",
      tls: "verify",
    });
  });
  test.each(["", "s3cret", "u:s3cret@db:3306/x", "mysql://u:s3cret@h:x/", "u:s3cret@tcp(h:y)/x"])(
    "%s is refused, without what it says",
    (text) => {
      expect(() => readMysql(text)).toThrow(/^connectionString (?!.*s3cret)/);
    },
  );
  test("TLS is on with a certificate authority, and verifies unless the text says otherwise", () => {
    const tlsOf = (connectionstring: string, more = {}) =>
      readMysqlSettings(
        { name: "x", namespace: "", metadata: { connectionstring, ...more } },
        mysql.options,
      ).tls;
    expect(tlsOf("u@tcp(h)/x")).toBeUndefined();
    expect(tlsOf("u@tcp(h)/x", { pemcontents: "PEM" })).toEqual({
      rejectUnauthorized: true,
      ca: "PEM",
    });
    expect(tlsOf("u@tcp(h)/x?tls=skip-verify")).toEqual({ rejectUnauthorized: false });
    expect(() => tlsOf("u@tcp(h)/x?tls=preferred")).toThrow(/tls=preferred/);
  });
});
