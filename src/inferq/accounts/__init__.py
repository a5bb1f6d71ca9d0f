"""Who may use a deployment: users, and the credentials that act for them. Same state server as the predictions."""
