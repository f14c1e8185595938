import type { TlsOptions } from 'node:tls';
import { openHttpServer, type OwnHttpServer } from './own-http-server.js';

/** The HTTP servers that one owner may share, by port. */
type OwnPorts = Map<number, OwnHttpServer>;

const PORTS_BY_OWNER = new WeakMap<object, OwnPorts>();
const OWNERS_BY_SERVER = new WeakMap<OwnHttpServer, Set<OwnPorts>>();

interface OwnPort {
  /** 0 for a free one, which is not shared. */
  readonly port: number;
  readonly tls: TlsOptions | undefined;
  /** In milliseconds. */
  readonly handshakeTimeout: number;
}

/** Opens a port, or returns the HTTP server that one of the owners has opened on it. */
export function openOrShare(owners: readonly object[], { port, tls, handshakeTimeout }: OwnPort): OwnHttpServer {
  if (port === 0) return openHttpServer(port, handshakeTimeout, tls);
  const portsOfOwners = owners.map(portsOf);
  const own =
    portsOfOwners.map((ports) => ports.get(port)).find((existing) => existing !== undefined) ??
    openHttpServer(port, handshakeTimeout, tls);
  const sharing: Set<OwnPorts> = OWNERS_BY_SERVER.get(own) ?? new Set();
  OWNERS_BY_SERVER.set(own, sharing);
  for (const ports of portsOfOwners) {
    ports.set(port, own);
    sharing.add(ports);
  }
  return own;
}

/** Closes an HTTP server that `openOrShare()` returned. Resolves when its port is free. */
export async function closeOwn(own: OwnHttpServer): Promise<void> {
  for (const ports of OWNERS_BY_SERVER.get(own) ?? []) {
    for (const [port, server] of ports) if (server === own) ports.delete(port);
  }
  const { httpServer } = own;
  if (!httpServer.listening) return;
  await new Promise((resolve) => {
    httpServer.close(resolve);
    httpServer.closeAllConnections();
  });
}

function portsOf(owner: object): OwnPorts {
  const ports: OwnPorts = PORTS_BY_OWNER.get(owner) ?? new Map();
  PORTS_BY_OWNER.set(owner, ports);
  return ports;
}
