"""Plays Stripe and PayPal over HTTP, so that Billhook can be tried and tested without them."""
