"""Calls every RPC of the first contract, as a client made from its own text does.

Knows nothing of MCP but that contract: an image of it, made by `buf build`, is the first argument;
then the node's "host:port", the file of its CA, and a token. Prints one JSON object per call.
"""

import json
import socket
import ssl
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

image, address, ca_file, token = sys.argv[1:]
files = descriptor_pb2.FileDescriptorSet()
with open(image, "rb") as source:
    files.ParseFromString(source.read())
pool = descriptor_pool.DescriptorPool()
for file in files.file:
    pool.Add(file)
messages = message_factory.MessageFactory(pool)
service = pool.FindServiceByName("mcp.v1.McpAgent")

with open(ca_file, "rb") as source:
    credentials = grpc.ssl_channel_credentials(source.read())
channel = grpc.secure_channel(address, credentials)


def call(rpc, request, metadata=(("authorization", "Bearer " + token),)):
    method = service.methods_by_name[rpc]
    answer_class = messages.GetPrototype(method.output_type)
    send = channel.unary_unary(
        "/mcp.v1.McpAgent/" + rpc,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer_class.FromString,
    )
    message = json_format.ParseDict(request, messages.GetPrototype(method.input_type)())
    try:
        answer = json_format.MessageToDict(
            send(message, metadata=metadata, timeout=20),
            including_default_value_fields=True,
            preserving_proto_field_name=True,
        )
        told = {"code": "OK", "answer": answer}
    except grpc.RpcError as error:
        told = {"code": error.code().name, "answer": {"details": error.details()}}
    print(json.dumps({"rpc": rpc, **told}), flush=True)


def handshake(newest):
    """The version of TLS that is agreed on by a client that knows none newer than this."""
    context = ssl.create_default_context(cafile=ca_file)
    context.maximum_version = newest
    context.set_alpn_protocols(["h2"])
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), 5) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secured:
                version = secured.version()
    except (ssl.SSLError, ConnectionError):
        version = "refused"
    print(json.dumps({"rpc": "TLS", "code": newest.name, "answer": version}), flush=True)


handshake(ssl.TLSVersion.TLSv1_2)
handshake(ssl.TLSVersion.TLSv1_3)
call("ListServices", {}, metadata=())
call("ListServices", {}, metadata=(("authorization", "Bearer wrong"),))
with open(0) as source:
    for line in source:
        rpc, request = json.loads(line)
        call(rpc, request)
print(json.dumps({"rpc": "known", "code": "", "answer": sorted(service.methods_by_name)}))
