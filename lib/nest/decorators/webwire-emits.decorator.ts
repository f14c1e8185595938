import { check, checkAll } from '../../common/options.js';
import type { EntryDetails } from '../../contract/entries.js';
import { DETAIL_RULES, TYPE_RULE, type DescribedType } from '../options/handler-description.js';
import { assertName } from '../options/handler-options.js';
import { WEBWIRE_EMITS, type EmittedSignal } from './metadata.js';

/**
 * Declares a signal that the gateway sends to its clients, for documents. It does not change what the gateway does. A gateway that
 * sends several signals has several of these decorators. Signals of a contract need none.
 *
 * @param name Name of the signal: at most 255 printable ASCII characters.
 * @param body The type of its body; `null` if it has none.
 * @throws TypeError or InvalidOptionError, when the class is declared, for a name that no signal can have, or a bad option.
 * @example
 * @WebwireEmits('message', ChatMessageDto, { summary: 'Somebody has written something' })
 * @WebwireGateway()
 * class ChatGateway { … }
 */
export function WebwireEmits(name: string, body: DescribedType | null, details: EntryDetails = {}): ClassDecorator {
  return (target) => {
    const place = `@WebwireEmits(${JSON.stringify(name)}) of ${target.name}`;
    check(`body of ${place}`, body, TYPE_RULE);
    assertName('signal', name, target.name);
    const signal: EmittedSignal = { ...checkAll(details, DETAIL_RULES, `${place}.`), name, body };
    const others = (Reflect.getMetadata(WEBWIRE_EMITS, target) ?? []) as readonly EmittedSignal[];
    Reflect.defineMetadata(WEBWIRE_EMITS, [...others.filter((other) => other.name !== name), signal], target);
  };
}
