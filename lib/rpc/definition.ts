/**
 * A protobuf service descriptor as the definition grpc-js wants.
 *
 * @module
 */

import type { DescMessage, DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { Buffer } from "node:buffer";
import { methodPath } from "./method_path.ts";

/** One method: how its messages become bytes and back. */
export function methodDefinition(method: DescMethod): MethodDefinition<unknown, unknown> {
  return {
    path: methodPath(method),
    requestStream: method.methodKind === "client_streaming" ||
      method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" ||
      method.methodKind === "bidi_streaming",
    requestSerialize: serializer(method.input),
    requestDeserialize: deserializer(method.input),
    responseSerialize: serializer(method.output),
    responseDeserialize: deserializer(method.output),
  };
}

/** All methods of a service, by their name on the wire. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [method.name, methodDefinition(method)]),
  ) as ServiceDefinition;
}

function serializer(message: DescMessage) {
  return (value: unknown) => {
    const bytes = toBinary(message, value as MessageShape<DescMessage>);
    // The same memory: a message may hold a whole file.
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function deserializer(message: DescMessage) {
  return (bytes: Uint8Array) => fromBinary(message, bytes);
}
