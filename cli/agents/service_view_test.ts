import { create } from "@bufbuild/protobuf";
import { deepStrictEqual } from "node:assert/strict";
import { EventInfoSchema, ServiceInfoSchema } from "../../proto/gen/mcp/v1/mcp_pb.ts";
import { eventView, serviceView } from "./service_view.ts";

Deno.test({
  name: "serviceView() takes words of a newer agent for unknown and unmanaged",
  permissions: "none",
  fn() {
    const info = create(ServiceInfoSchema, {
      name: "mcr",
      components: [{ name: "api", desiredState: "paused", observedState: "hibernating" }],
    });
    const [component] = serviceView(info).components;
    deepStrictEqual([component?.desired, component?.observed], ["ignore", "unknown"]);
  },
});

Deno.test({
  name: "serviceView() keeps what was last seen only while the state is unknown",
  permissions: "none",
  fn() {
    const info = create(ServiceInfoSchema, {
      components: [
        { observedState: "unknown", lastObservedState: "running" },
        { observedState: "exited", lastObservedState: "running" },
        { observedState: "unknown" },
      ],
    });
    deepStrictEqual(
      serviceView(info).components.map(({ lastObserved }) => lastObserved),
      ["running", undefined, undefined],
    );
  },
});

Deno.test({
  name: "eventView() reads instants to the millisecond",
  permissions: "none",
  fn() {
    const info = create(EventInfoSchema, {
      timestamp: { seconds: 1_772_366_400n, nanos: 250_900_000 },
    });
    deepStrictEqual(eventView(info).at, new Date("2026-03-01T12:00:00.250Z"));
  },
});
