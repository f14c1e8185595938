import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { ExecutionContextHost, MESSAGES } from '@nestjs/core/internal';
import { BaseWsExceptionFilter, WsException } from '@nestjs/websockets';

/** Finds the exception filters of a handler, global ones included. */
export class FilterContext extends ExternalExceptionFilterContext {
  override getFilterInstance(
    ...args: Parameters<ExternalExceptionFilterContext['getFilterInstance']>
  ): ExceptionFilter | null {
    const filter = super.getFilterInstance(...args);
    return filter instanceof BaseWsExceptionFilter ? throwingReports(filter) : filter;
  }
}

/**
 * Nest's filter for WebSockets reports an exception with `client.emit('exception', …)`. Filters that extend it report
 * another one that way. Here the report is thrown, so that the request is answered with it.
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

/** A host whose client has the method `emit`. */
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
  // Nest's word for a failure that the filter does not know.
  if (content === MESSAGES.UNKNOWN_EXCEPTION_MESSAGE) return undefined;
  throw new WsException(content as string | object);
}

/** Nest wraps text in an object, and adds the pattern and the body. */
function contentOf(report: unknown): unknown {
  if (typeof report !== 'object' || report === null) return report;
  const { status, message, cause: _, ...rest } = report as Record<string, unknown>;
  return status === 'error' && Object.keys(rest).length === 0 ? message : report;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
