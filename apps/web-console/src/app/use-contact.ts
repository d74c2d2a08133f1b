import { useSyncExternalStore } from 'react';
import { type Contact, readContact, subscribeToContact } from '../api/contact.js';

/** Whether the controller answers, and since when not. */
export function useContact(): Contact {
  return useSyncExternalStore(subscribeToContact, readContact);
}
