import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';
import type { MessageContext } from '../handlers/message-context.js';
import { assertNestParts } from './assert-nest-parts.js';
import { ExecutionContextHost, MESSAGES } from './nest-internals.js';

/** Finds the exception filters of a handler, global ones included. */
export interface FilterContext {
  readonly create: (
    instance: object,
    callback: unknown,
    moduleKey: string,
    contextId: ContextId,
    inquirerId: string,
  ) => { invokeCustomFilters(error: unknown, host: ArgumentsHost): unknown };
  getFilterInstance: (...args: unknown[]) => ExceptionFilter | null;
}

/**
 * A filter context that finds the same filters as that of Nest's context creator.
 *
 * Why: `ExternalContextCreator.create()` runs filters itself, but then a handled error and an empty result look the same, and
 * a failure that no filter catches is logged. No public API finds the filters alone.
 *
 * Relies on: the field `filtersContextCreator` of `ExternalContextCreator`, and its method `getFilterInstance()`, which its
 * `create()` calls for each filter. The new context inherits from Nest's, which other libraries share.
 *
 * If Nest changes it: the start fails if a part is missing. If Nest no longer calls `getFilterInstance()`, filters that extend
 * `BaseWsExceptionFilter` fail, which `test/nest/handlers/filters.spec.ts` shows.
 *
 * @throws Error if this version of Nest lacks one of these parts.
 */
export function createFilterContext(creator: ExternalContextCreator): FilterContext {
  const original = creator['filtersContextCreator'] as FilterContext | undefined;
  assertNestParts({
    'ExternalContextCreator.filtersContextCreator.create()': original?.create,
    'ExternalContextCreator.filtersContextCreator.getFilterInstance()': original?.getFilterInstance,
  });
  const inherited = original as FilterContext;
  const context = Object.create(inherited) as FilterContext;
  context.getFilterInstance = (...args) => {
    const filter = inherited.getFilterInstance.apply(context, args);
    return filter && noted(filter instanceof BaseWsExceptionFilter ? throwingReports(filter) : filter);
  };
  return context;
}

/** Makes a filter that notes in its context that it runs, so that the log can name it. */
function noted(filter: ExceptionFilter): ExceptionFilter {
  // The filter is the prototype, so that Nest finds the metadata of its class.
  return Object.create(filter, {
    catch: {
      value(exception: unknown, host: ArgumentsHost): unknown {
        (host as MessageContext).filter = filter;
        // oxlint-disable-next-line promise/valid-params -- it is a filter, not a promise
        return filter.catch(exception, host);
      },
    },
  }) as ExceptionFilter;
}

/**
 * Makes a filter that throws what the given one reports. Nest's filter for WebSockets reports an exception with
 * `client.emit('exception', …)`, and so do filters that extend it. A thrown report becomes the answer to the request.
 */
function throwingReports(filter: BaseWsExceptionFilter): ExceptionFilter {
  // The filter is the prototype, so that Nest finds the metadata of its class.
  return Object.create(filter, {
    catch: {
      value(exception: unknown, host: ArgumentsHost): unknown {
        const reports: unknown[] = [];
        // oxlint-disable-next-line promise/valid-params -- it is a filter, not a promise
        const result: unknown = filter.catch(exception, reportingHost(host as ExecutionContextHost, reports));
        if (!isPromise(result)) return reported(result, reports);
        return Promise.resolve(result).then((value) => reported(value, reports));
      },
    },
  }) as ExceptionFilter;
}

/** A host whose client has the method `emit`, which collects reports. */
function reportingHost(host: ExecutionContextHost, reports: unknown[]): ExecutionContextHost {
  const [connection, ...others] = host.getArgs<[object, ...unknown[]]>();
  const emit = (event: unknown, ...content: unknown[]): unknown => {
    if (event === 'exception') return reports.push(content[0]);
    return (connection as { emit?: (...args: unknown[]) => unknown }).emit!(event, ...content);
  };
  const client = new Proxy(connection, {
    get(target, name) {
      if (name === 'emit') return emit;
      const value: unknown = Reflect.get(target, name, target);
      // Methods use private fields, which a proxy does not have.
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const context = new ExecutionContextHost([client, ...others], host.getClass(), host.getHandler());
  context.setType('ws');
  return context;
}

function reported(result: unknown, reports: readonly unknown[]): unknown {
  if ((result !== undefined && result !== null) || reports.length === 0) return result;
  const content = contentOf(reports[0]);
  // The filter reports this text for errors that are no exceptions of Nest.
  if (content === MESSAGES.UNKNOWN_EXCEPTION_MESSAGE) return undefined;
  throw new WsException(content as string | object);
}

/** The content of the exception that a report is about: Nest wraps text in an object, and adds the pattern and the body. */
function contentOf(report: unknown): unknown {
  if (typeof report !== 'object' || report === null) return report;
  const { status, message, cause: _, ...rest } = report as Record<string, unknown>;
  return status === 'error' && Object.keys(rest).length === 0 ? message : report;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
