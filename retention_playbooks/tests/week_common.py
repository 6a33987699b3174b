from .playbook_common import PlaybookCommon


class WeekCommon(PlaybookCommon):
    """A Monday in March, and the list of one manager."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.clients = cls.env["retention.client"]

    def _end_transaction(self):
        """Do what happens when a transaction ends."""
        self.env.cr.flush()
        self.env.invalidate_all()

    def _get_client(self, partner=None):
        """Return the record of a client on the list, active or not."""
        self._end_transaction()
        return self.clients.with_context(active_test=False).search(
            [
                ("partner_id", "=", (partner or self.client_a).id),
                ("company_id", "=", self.company.id),
            ]
        )

    def _list(self, user=None):
        """Return the clients that a user sees now, the most urgent first."""
        self._end_transaction()
        found = self.clients.with_user(user or self.own).search(
            self.clients._get_todo_domain(self.runs._get_today())
        )
        return found.partner_id.with_user(self.env.user)

    def _get_list_snapshot(self):
        self._end_transaction()
        return self.clients.with_context(active_test=False).search_read(
            [("company_id", "=", self.company.id)], order="id"
        )
