"""The replay of a session: what is sent to the browser, how events are rendered, and the component that plays them.

recording   a session as compact arrays, which the browser draws
rendering   one event as HTML that can neither run nor fetch anything
component   the custom component in the app
page        the same replay in one file, to be opened from disk
player      its JavaScript and CSS, read by both
"""
