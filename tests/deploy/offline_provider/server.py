"""The stand-in as a gRPC server: ``python -m tests.deploy.offline_provider.server SOCKET`` prints when it is ready."""

from __future__ import annotations

import json
import sys
from concurrent import futures
from typing import Any

import grpc
import msgpack
from tfplugin_proto import tfplugin5_5_pb2 as messages
from tfplugin_proto import tfplugin5_5_pb2_grpc as services

from tests.deploy.offline_provider import schema, values
from tests.deploy.offline_provider.schema import Block


def _message_block(block: Block) -> Any:
    """A block of the schema as a message."""
    message = messages.Schema.Block()
    for name, attribute in block["attributes"].items():
        flags = {flag: attribute.get(flag, False) for flag in schema.FLAGS}
        message.attributes.append(
            messages.Schema.Attribute(name=name, type=json.dumps(attribute["type"]).encode(), **flags)
        )
    for name, nested in block["block_types"].items():
        nesting = messages.Schema.NestedBlock.NestingMode.Value(nested["nesting"].upper())
        limits = {f"{key}_items": nested[key] for key in ("min", "max") if key in nested}
        message.block_types.append(
            messages.Schema.NestedBlock(type_name=name, block=_message_block(nested), nesting=nesting, **limits)
        )
    return message


def _message_schema(block: Block) -> Any:
    return messages.Schema(version=0, block=_message_block(block))


def _decode(value: Any) -> Any:
    if not value.msgpack:
        return json.loads(value.json or b"null")
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False, ext_hook=msgpack.ExtType)


def _encode(value: Any) -> Any:
    return messages.DynamicValue(msgpack=msgpack.packb(value, use_bin_type=True))


def _diagnostic(path: tuple[str | int, ...], text: str) -> Any:
    step = messages.AttributePath.Step
    steps = [step(attribute_name=part) if isinstance(part, str) else step(element_key_int=part) for part in path]
    return messages.Diagnostic(
        severity=messages.Diagnostic.ERROR, summary=text, attribute=messages.AttributePath(steps=steps)
    )


class Provider(services.ProviderServicer):
    """The calls that Terraform makes; the names are the protocol's. Nothing is kept between calls."""

    def __init__(self) -> None:
        known = schema.load()
        self.provider = known["provider"]
        self.resources, self.data = known["resource_schemas"], known["data_source_schemas"]

    def GetMetadata(self, request: Any, context: Any) -> Any:
        answer = messages.GetMetadata
        return answer.Response(
            server_capabilities=messages.ServerCapabilities(),
            resources=[answer.ResourceMetadata(type_name=name) for name in self.resources],
            data_sources=[answer.DataSourceMetadata(type_name=name) for name in self.data],
        )

    def GetSchema(self, request: Any, context: Any) -> Any:
        return messages.GetProviderSchema.Response(
            provider=_message_schema(self.provider),
            resource_schemas={name: _message_schema(block) for name, block in self.resources.items()},
            data_source_schemas={name: _message_schema(block) for name, block in self.data.items()},
        )

    def PrepareProviderConfig(self, request: Any, context: Any) -> Any:
        return messages.PrepareProviderConfig.Response(prepared_config=request.config)

    def Configure(self, request: Any, context: Any) -> Any:
        return messages.Configure.Response()

    def ValidateResourceTypeConfig(self, request: Any, context: Any) -> Any:
        faults = values.find_faults(self.resources[request.type_name], _decode(request.config))
        return messages.ValidateResourceTypeConfig.Response(diagnostics=[_diagnostic(*fault) for fault in faults])

    def ValidateDataSourceConfig(self, request: Any, context: Any) -> Any:
        return messages.ValidateDataSourceConfig.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        state = _encode(json.loads(request.raw_state.json))
        return messages.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, context: Any) -> Any:
        return messages.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        prior, proposed = _decode(request.prior_state), _decode(request.proposed_new_state)
        state = request.proposed_new_state
        if prior is None and proposed is not None:
            state = _encode(values.plan(self.resources[request.type_name], proposed))
        return messages.PlanResourceChange.Response(planned_state=state)

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        name = request.type_name
        state = values.fill(self.resources[name], _decode(request.planned_state), name)
        return messages.ApplyResourceChange.Response(new_state=_encode(state))

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        name = request.type_name
        return messages.ReadDataSource.Response(
            state=_encode(values.read_data(name, self.data[name], _decode(request.config)))
        )

    def GetFunctions(self, request: Any, context: Any) -> Any:
        return messages.GetFunctions.Response()

    def Stop(self, request: Any, context: Any) -> Any:
        return messages.Stop.Response()


def serve(socket: str) -> grpc.Server:
    """Answer Terraform on a Unix socket."""
    unlimited = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=unlimited)
    services.add_ProviderServicer_to_server(Provider(), server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def main() -> None:
    """Serve until standard input ends: with the process that started this one."""
    server = serve(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    main()
