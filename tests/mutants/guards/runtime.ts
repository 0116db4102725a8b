/**
 * Guards of podman's command line, and of programs and requests in general.
 *
 * @module
 */

import type { Mutant } from "../mutant.ts";

const exec = "tests/component/exec_test.ts";

export const runtime: readonly Mutant[] = [
  {
    name: "name-like-a-flag",
    guard: "No name begins with a dash, so that none is a flag of podman's",
    file: "lib/domain/names.ts",
    find: "/^[a-z0-9](",
    put: "/^[a-z0-9-](",
    tests: { paths: ["lib/domain/names_test.ts"] },
  },
  {
    name: "image-of-any-text",
    guard: "An image is a reference, and no flag of podman's",
    file: "lib/domain/image.ts",
    find: "`^(?<repository>(?:${domain}/)?",
    put: "`(?<repository>(?:${domain}/)?",
    tests: { paths: ["lib/domain/image_test.ts"] },
  },
  {
    name: "podman-may-pull",
    guard: "`podman run` is told whether it may fetch the image",
    file: "agent/runtime/podman/argv.ts",
    find: "`--pull=${pull}`,",
    put: "",
    tests: { paths: ["agent/runtime/podman/argv_test.ts"] },
  },
  {
    name: "secret-as-a-variable",
    guard: "A secret is mounted as a file, and no variable that `podman inspect` shows",
    file: "agent/runtime/podman/argv.ts",
    find: "type=mount,target=",
    put: "type=env,target=",
    tests: { paths: ["agent/runtime/podman/argv_test.ts"] },
  },
  {
    name: "secret-on-the-command-line",
    guard: "A secret's value comes to podman on standard input",
    file: "agent/runtime/podman/podman.ts",
    find: "this.#cli.run(createSecretArgv(name), this",
    put: "this.#cli.run([...createSecretArgv(name), new TextDecoder().decode(value)], this",
    tests: { paths: ["tests/component/secrets_test.ts"], filter: "podman's standard input" },
  },
  {
    name: "exit-code-of-podman-ignored",
    guard: "A podman that ends with an exit code has failed",
    file: "agent/runtime/podman/cli.ts",
    find: "if (result.code === 0) return result.stdout;",
    put: "return result.stdout;",
    tests: { paths: ["agent/runtime/podman/podman_test.ts"] },
  },
  {
    name: "podman-without-a-deadline",
    guard: "Every podman is killed at its deadline",
    file: "agent/runtime/podman/cli.ts",
    find: "{ timeoutMs, signal, maxOutputBytes, ...more }",
    put: "{ timeoutMs: 2 ** 31, signal, maxOutputBytes, ...more }",
    tests: { paths: ["agent/runtime/podman/podman_test.ts"] },
  },
  {
    name: "podman-prints-without-end",
    guard: "Of what podman prints, no more is kept than a bound",
    file: "agent/runtime/podman/cli.ts",
    find: "{ timeoutMs, signal, maxOutputBytes, ...more }",
    put: "{ timeoutMs, signal, ...more }",
    tests: { paths: ["agent/runtime/podman/podman_test.ts"] },
  },
  {
    name: "deadline-gone",
    guard: "A program is killed at its deadline",
    file: "lib/system/exec.ts",
    find: "Math.min(options.timeoutMs, longestTimerMs),",
    put: "longestTimerMs,",
    tests: { paths: [exec], filter: "at its deadline" },
  },
  {
    name: "asked-to-stop-only",
    guard: "A program that does not stop when it is asked is killed",
    file: "lib/system/exec.ts",
    find: `child.kill("SIGKILL");`,
    put: `child.kill("SIGTERM");`,
    tests: { paths: [exec], filter: "leaves nothing running" },
  },
  {
    name: "output-without-a-bound",
    guard: "A program that prints more than is kept is killed",
    file: "lib/system/exec.ts",
    find: "      onOverflow();",
    put: "",
    tests: { paths: [exec], filter: "prints more than is kept" },
  },
  {
    name: "environment-handed-on",
    guard: "A program whose environment is said gets no other variable",
    file: "lib/system/exec.ts",
    find: "clearEnv: true",
    put: "clearEnv: false",
    tests: {
      paths: [exec, "tests/component/monitor_test.ts"],
      filter: "/environment|an alert command/",
    },
  },
  {
    name: "any-ca-believed",
    guard: "Where one CA is to be trusted, a server that another vouches for is not",
    file: "lib/http/client.ts",
    find: "ca: requireCertificates(caName, ca),",
    put: "rejectUnauthorized: false,",
    tests: { paths: ["tests/component/mcias_client_test.ts"] },
  },
  {
    name: "answer-without-a-bound",
    guard: "An answer by HTTP that is longer than its bound is none",
    file: "lib/http/client.ts",
    find: "if (bytes > this.#maxAnswerBytes) {",
    put: "if (bytes < 0) {",
    tests: { paths: ["tests/component/mcias_client_test.ts"] },
  },
  {
    name: "redirect-followed",
    guard: "What a question by HTTP carries goes where the operator said, and nowhere else",
    file: "lib/http/client.ts",
    find: `redirect: "manual"`,
    put: `redirect: "follow"`,
    tests: { paths: ["lib/http/client_test.ts"] },
  },
  {
    name: "duration-without-a-bound",
    guard: "A duration is no number that overflows",
    file: "lib/domain/duration.ts",
    find: "\\d{1,9}",
    put: "\\d+",
    tests: { paths: ["lib/domain/duration_test.ts"] },
  },
  {
    name: "line-of-the-log-broken",
    guard: "What comes from outside breaks no line of the log",
    file: "lib/log.ts",
    find: "JSON.stringify(text) : text",
    put: "text : text",
    tests: { paths: ["lib/log_test.ts"] },
  },
];
